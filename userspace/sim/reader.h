/* SPDX-License-Identifier: GPL-2.0 */
/* The words of a workload file, and values made of them. */
#ifndef VMSCHED_SIM_READER_H
#define VMSCHED_SIM_READER_H

#include "workload.h"

#define MAX_LINE	4096
#define MAX_LINES	1000000
#define MAX_WORDS	256

struct word {
	char *text;
	unsigned int line;
};

struct reader {
	FILE *file;
	const char *name;
	char *why;		/* what is wrong, if something is */
	size_t why_size;
	char line[MAX_LINE + 2];	/* read ahead */
	unsigned int line_nr;
	unsigned int max_lines;		/* 0: MAX_LINES */
	bool begun;
	bool ended;
	struct word words[MAX_WORDS];	/* of one statement */
	int nr_words;
	int at;				/* the next one to take */
};

/* Say what is wrong with the word taken last, or with the line where it was missing. */
__printf(2, 3) bool bad(struct reader *r, const char *fmt, ...);
/* The same about another line; 0: about the file. */
__printf(3, 4) bool bad_line(struct reader *r, unsigned int line, const char *fmt, ...);

/* The next statement. True with nr_words == 0 at the end of the file. */
bool reader_statement(struct reader *r);
void reader_free(struct reader *r);

/* The next word of the statement, NULL if there is none. */
const char *peek(const struct reader *r);
const char *take(struct reader *r);

/* Values. All of them take words, and say what is wrong with them if they fail. */
bool take_word(struct reader *r, const char *key, const char **word);
bool take_number(struct reader *r, const char *key, u64 least, u64 most, u64 *value);
bool take_time(struct reader *r, const char *key, u64 least, u64 most, bool zero, u64 *ns);
/* In percent, of which there may be tenths, into permille. */
bool take_percent(struct reader *r, const char *key, u64 least, u64 most, bool zero, u64 *permille);
bool take_flag(struct reader *r, const char *key, u64 *flag);
/* pCPUs below @nr, as in 0-3,8 */
bool take_cpus(struct reader *r, const char *key, unsigned int nr, struct cpumask *cpus);
bool take_dist(struct reader *r, const char *key, u64 least, bool forever, struct dist *dist);
bool take_name(struct reader *r, const char *key, size_t max, char *name);

/* workload.c: parameters, "affinity" not among them. The attribute, 0 if @word is none. */
int param_attr(const char *word);
bool take_param(struct reader *r, int attr, const char *word, struct wl_vm *vm);
bool take_pool(struct reader *r, const struct workload *wl, unsigned int *pool);
bool check_params(struct reader *r, const struct vmsched_params *params);

/* recording.c: all that follows the word by which it is known, which was taken. */
#define RECORDING_WORD	"vmsched-recording"
bool recording_read(struct reader *r, struct workload *wl);

/* False if @text is no time. */
bool time_parse(const char *text, u64 *ns);
/* A time as people write it, in one of some buffers. */
const char *time_text(u64 ns);

#endif /* VMSCHED_SIM_READER_H */
