// SPDX-License-Identifier: GPL-2.0
/* Bytes that wait to be written; see bytes.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

#define CHUNK 4096

static int make_room(struct bytes *b, size_t more)
{
	size_t size = b->size ?: CHUNK;
	char *data;

	if (b->begin + b->len + more <= b->size)
		return 0;
	memmove(b->data, b->data + b->begin, b->len);
	b->begin = 0;
	while (size < b->len + more)
		size *= 2;
	if (size == b->size)
		return 0;
	data = realloc(b->data, size);
	if (!data)
		return -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

int bytes_put(struct bytes *b, const void *data, size_t len)
{
	if (!len)
		return 0;
	if (make_room(b, len))
		return -ENOMEM;
	memcpy(b->data + b->begin + b->len, data, len);
	b->len += len;
	return 0;
}

static void drop(struct bytes *b, size_t len)
{
	b->begin += len;
	b->len -= len;
	if (!b->len)
		b->begin = 0;
}

int bytes_move(struct bytes *to, struct bytes *from)
{
	int err = bytes_put(to, from->data + from->begin, from->len);

	if (!err)
		bytes_free(from);
	return err;
}

ssize_t bytes_read(struct bytes *b, int fd, size_t most)
{
	ssize_t got;

	if (most > CHUNK)
		most = CHUNK;
	if (make_room(b, most))
		return -ENOMEM;
	do {
		got = read(fd, b->data + b->begin + b->len, most);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	b->len += got;
	return got;
}

int bytes_write(struct bytes *b, int fd)
{
	ssize_t done;

	while (b->len) {
		done = write(fd, b->data + b->begin, b->len);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		drop(b, done);
	}
	return 0;
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}
