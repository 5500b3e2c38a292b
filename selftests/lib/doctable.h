/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables of Documentation/interface.rst: what is promised there is what tests
 * ask for.
 */
#ifndef SELFTESTS_DOCTABLE_H
#define SELFTESTS_DOCTABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define DOC_ROWS	48
#define DOC_COLUMNS	8
#define DOC_CELL	80

struct doc_table {
	unsigned int rows;
	unsigned int columns;
	char head[DOC_COLUMNS][DOC_CELL];
	char cell[DOC_ROWS][DOC_COLUMNS][DOC_CELL];
};

/* Open a file of the tree, for reading; NULL if it is not there */
FILE *doc_open(const char *file);

/* Read table @name ("rights"); -errno after saying what is wrong */
int doc_table(const char *name, struct doc_table *t);

/* Number of the command of that name, 0 if there is none */
uint8_t doc_command(const char *name);

/* Name of a command in the specification, "?" if it has none there */
const char *doc_command_name(uint8_t cmd);

/* Row for a command as "do" or "dump"; -1 if there is none */
int doc_row(const struct doc_table *t, uint8_t cmd, bool dump);

/* True if the row's errors (column 2) contain the name of @error */
bool doc_has_error(const struct doc_table *t, int row, int error);

#endif /* SELFTESTS_DOCTABLE_H */
