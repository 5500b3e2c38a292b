/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes that wait to be written: put in at one end, taken at the other. */
#ifndef VMSCHEDCTL_BYTES_H
#define VMSCHEDCTL_BYTES_H

#include <stddef.h>
#include <sys/types.h>

struct bytes {
	char *data;
	size_t begin;
	size_t len;
	size_t size;
};

/* All or, with -ENOMEM, nothing */
int bytes_put(struct bytes *bytes, const void *data, size_t len);
/* Everything from the one to the other */
int bytes_move(struct bytes *to, struct bytes *from);
/* What is at hand, @most bytes of it: the number, 0 at the end, or -errno */
ssize_t bytes_read(struct bytes *bytes, int fd, size_t most);
/* As many as @fd takes; 0 or -errno, -EAGAIN if it takes none just now */
int bytes_write(struct bytes *bytes, int fd);
void bytes_free(struct bytes *bytes);

#endif /* VMSCHEDCTL_BYTES_H */
