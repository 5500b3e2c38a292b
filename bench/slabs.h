/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Objects that the kernel holds, by slab cache. How many pages of slabs there
 * are depends on what came and went before; how many objects are in use does not.
 */
#ifndef BENCH_SLABS_H
#define BENCH_SLABS_H

#define SLABS_MAX	512

struct slabs {
	unsigned int n;
	struct slab_cache {
		char name[64];
		double objects;		/* in use */
		double size;		/* of each, in bytes */
	} cache[SLABS_MAX];
};

/* What is in use now, without what the kernel keeps to be fast; dies on failure */
void slabs_read(struct slabs *s);

/* @s less what is in @from, cache by cache */
void slabs_subtract(struct slabs *s, const struct slabs *from);

/* Objects of the cache called @name, 0 if there are none */
double slabs_objects(const struct slabs *s, const char *name);

#endif /* BENCH_SLABS_H */
