// SPDX-License-Identifier: GPL-2.0
/* Spans of time, see record.h. */
#include <stdlib.h>

#include <core.h>

#include "record.h"

static void grow(struct record *record)
{
	size_t max = record->max * 2 + 64;
	void *bigger = realloc(record->spans, max * sizeof(*record->spans));

	if (!bigger)
		broken("out of memory");
	record->spans = bigger;
	record->max = max;
}

/* Those that are still to come and begin before the end are one a pCPU at most. */
void record_add(struct record *record, const struct span *span)
{
	struct span cut = *span;

	if (!record->full && record->nr >= record->most) {
		record->full = true;
		record->to = min(record->to, cut.to);
	}
	cut.from = max(cut.from, record->from);
	cut.to = min(cut.to, record->to);
	if (cut.from >= cut.to)
		return;
	if (record->nr == record->max)
		grow(record);
	record->spans[record->nr++] = cut;
}

void record_free(struct record *record)
{
	free(record->spans);
	record->spans = NULL;
}
