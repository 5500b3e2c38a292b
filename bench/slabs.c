// SPDX-License-Identifier: GPL-2.0
/*
 * Objects in use by slab cache; see slabs.h.
 *
 * Linux counts a slab that a CPU allocates from as full. To shrink a cache takes
 * its slabs from the CPUs, so that the count is exact afterwards.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "slabs.h"

#define SLAB_DIR	"/sys/kernel/slab"

static void shrink_all(void)
{
	DIR *dir = opendir(SLAB_DIR);
	struct dirent *d;

	if (!dir)
		die(SLAB_DIR ": %s", strerror(errno));
	while ((d = readdir(dir))) {
		char path[sizeof(SLAB_DIR) + sizeof(d->d_name) + 8];

		/* The others are names of these */
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), SLAB_DIR "/%s/shrink", d->d_name);
		write_file(path, "1");
	}
	closedir(dir);
}

static const struct slab_cache *find(const struct slabs *s, const char *name)
{
	unsigned int i;

	for (i = 0; i < s->n; i++) {
		if (!strcmp(s->cache[i].name, name))
			return &s->cache[i];
	}
	return NULL;
}

void slabs_read(struct slabs *s)
{
	char line[256];
	FILE *f;

	write_file("/proc/sys/vm/drop_caches", "3");
	shrink_all();
	f = fopen("/proc/slabinfo", "re");
	if (!f)
		die("/proc/slabinfo: %s", strerror(errno));
	s->n = 0;
	while (s->n < SLABS_MAX && fgets(line, sizeof(line), f)) {
		struct slab_cache *c = &s->cache[s->n];

		/* Two lines of heads have no numbers */
		if (sscanf(line, "%63s %lf %*u %lf", c->name, &c->objects,
			   &c->size) == 3)
			s->n++;
	}
	if (!s->n || !feof(f))
		die("/proc/slabinfo has %u caches", s->n);
	fclose(f);
}

void slabs_subtract(struct slabs *s, const struct slabs *from)
{
	unsigned int i;

	for (i = 0; i < s->n; i++)
		s->cache[i].objects -= slabs_objects(from, s->cache[i].name);
}

double slabs_objects(const struct slabs *s, const char *name)
{
	const struct slab_cache *c = find(s, name);

	return c ? c->objects : 0;
}
