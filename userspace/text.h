/* SPDX-License-Identifier: GPL-2.0 */
/* Make text of unknown origin fit for terminals and for JSON. */
#ifndef VMSCHEDCTL_TEXT_H
#define VMSCHEDCTL_TEXT_H

#include <stddef.h>

/*
 * A new string of the @len bytes at @raw, or up to a NUL: what is not
 * printable UTF-8 is written as \xHH. NULL if memory is short.
 */
char *text_escape(const char *raw, size_t len);

#endif /* VMSCHEDCTL_TEXT_H */
