// SPDX-License-Identifier: GPL-2.0
/*
 * A run as a picture: a lane for each pCPU, a box for whom it had, in the colour of its
 * VM. One file without scripts; whoever points at a box is told what it is.
 */

#include "output.h"
#include "reader.h"

#define MAX_BOXES	20000
#define WIDTH		1200	/* of the lanes, px */
#define LEFT		80
#define TOP		40
#define LEGEND_MAX	24
#define LEGEND_STEP	18
#define TICKS_MAX	12
#define COLOURS		24

struct svg {
	FILE *file;
	const struct result *result;
	u64 from;
	u64 to;
	unsigned int lane;	/* height of one */
};

/* Hundredths of px, for a picture that is the same everywhere */
static u64 x_of(const struct svg *s, u64 at)
{
	return LEFT * 100 + (__uint128_t)(at - s->from) * WIDTH * 100 / (s->to - s->from);
}

static unsigned int height(const struct svg *s)
{
	return TOP + s->result->wl->cpus * s->lane;
}

static void put_text(const struct svg *s, u64 x, u64 y, const char *anchor, const char *text)
{
	fprintf(s->file, "<text x=\"%llu\" y=\"%llu\" text-anchor=\"%s\">%s</text>\n",
		ull(x), ull(y), anchor, text);
}

/* Colours that are far apart: hues around the wheel, light and dark in turn. */
static void put_style(const struct svg *s)
{
	unsigned int i;

	fputs("<style>text{font:11px sans-serif;fill:#333}rect:hover{stroke:#000}\n", s->file);
	for (i = 0; i < COLOURS; i++) {
		unsigned int hue = i * 7 % COLOURS * 6 * 256 / COLOURS;
		unsigned int up = hue % 256, low = i % 2 ? 40 : 90, span = i % 2 ? 170 : 160;
		unsigned int rise = low + span * up / 256, fall = low + span - span * up / 256;
		unsigned int high = low + span;
		const unsigned int rgb[6][3] = {
			{ high, rise, low }, { fall, high, low }, { low, high, rise },
			{ low, fall, high }, { rise, low, high }, { high, low, fall },
		};

		fprintf(s->file, ".c%u{fill:#%02x%02x%02x}\n", i, rgb[hue / 256][0],
			rgb[hue / 256][1], rgb[hue / 256][2]);
	}
	fputs("</style>\n", s->file);
}

static void put_head(const struct svg *s)
{
	const struct workload *wl = s->result->wl;
	unsigned int legend = wl->nr_vms < LEGEND_MAX ? wl->nr_vms : LEGEND_MAX + 1;
	char title[200];

	fprintf(s->file, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\">\n",
		LEFT + WIDTH + 40, height(s) + 40 + legend * LEGEND_STEP);
	put_style(s);
	fputs("<rect width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>\n", s->file);
	snprintf(title, sizeof(title), "scheduler %s, %u pCPUs, %u vCPUs, %s to %s",
		 s->result->ops->name, wl->cpus, wl->nr_vcpus, time_text(s->from),
		 time_text(s->to));
	put_text(s, LEFT, TOP - 22, "start", title);
}

/* 1, 2 or 5 and zeroes */
static u64 tick_step(u64 span)
{
	static const unsigned int nice[] = { 1, 2, 5 };
	u64 ten = 1;
	int i = 0;

	while (span / (nice[i] * ten) > TICKS_MAX) {
		i = (i + 1) % 3;
		if (!i)
			ten *= 10;
	}
	return nice[i] * ten;
}

static void put_axis(const struct svg *s)
{
	u64 step = tick_step(s->to - s->from), at;

	for (at = (s->from + step - 1) / step * step; at <= s->to; at += step) {
		u64 x = x_of(s, at) / 100;

		fprintf(s->file, "<path d=\"M%llu %u V%u\" stroke=\"#ccc\"/>\n",
			ull(x), TOP - 4, height(s));
		put_text(s, x, TOP - 6, "middle", time_text(at));
	}
}

static void put_lanes(const struct svg *s)
{
	unsigned int cpu, every = s->lane < 12 ? 4 : 1;
	char name[32];

	for (cpu = 0; cpu < s->result->wl->cpus; cpu += every) {
		snprintf(name, sizeof(name), "pCPU %u", cpu);
		put_text(s, LEFT - 6, TOP + cpu * s->lane + (every > 1 ? 8 : s->lane - 5), "end",
			 name);
	}
}

static void put_ms(const struct svg *s, u64 ns)
{
	fprintf(s->file, "%llu.%06llu ms", ull(ns / NSEC_PER_MSEC), ull(ns % NSEC_PER_MSEC));
}

static void put_box(const struct svg *s, const struct span *span)
{
	u64 to = min(span->to, s->to);
	u64 x = x_of(s, span->from), width = x_of(s, to) - x;

	/* What is too short to be seen is drawn all the same. */
	width = max_t(u64, width, 10);
	fprintf(s->file, "<rect class=\"c%u\" x=\"%llu.%02llu\" y=\"%u\"",
		span->vm % COLOURS, ull(x / 100), ull(x % 100), TOP + span->cpu * s->lane);
	fprintf(s->file, " width=\"%llu.%02llu\" height=\"%u\">", ull(width / 100),
		ull(width % 100), s->lane - 2);
	fprintf(s->file, "<title>%s/%u on pCPU %u at ", s->result->wl->vms[span->vm].name,
		span->vcpu, span->cpu);
	put_ms(s, span->from);
	fputs(" for ", s->file);
	put_ms(s, to - span->from);
	fputs("</title></rect>\n", s->file);
}

static void put_legend(const struct svg *s)
{
	const struct workload *wl = s->result->wl;
	unsigned int y = height(s) + 24, nr;
	char text[200];

	for (nr = 0; nr < wl->nr_vms && nr < LEGEND_MAX; nr++, y += LEGEND_STEP) {
		const struct wl_vm *vm = &wl->vms[nr];

		fprintf(s->file, "<rect class=\"c%u\" x=\"%u\" y=\"%u\"", nr % COLOURS, LEFT,
			y - 10);
		fputs(" width=\"12\" height=\"12\"/>\n", s->file);
		snprintf(text, sizeof(text), "%s: vCPUs %u, weight %u", vm->name, vm->vcpus,
			 vm->params.weight);
		put_text(s, LEFT + 18, y, "start", text);
	}
	if (nr < wl->nr_vms) {
		snprintf(text, sizeof(text), "and %u more", wl->nr_vms - nr);
		put_text(s, LEFT + 18, y, "start", text);
	}
}

bool svg_write(FILE *file, const struct result *result, const struct record *record, u64 *to)
{
	struct svg s = {
		.file = file,
		.result = result,
		.from = record->from,
		.to = record->to,
		.lane = result->wl->cpus <= 64 ? 20 : 8,
	};
	size_t i;

	if (record->nr > MAX_BOXES)
		s.to = max(record->spans[MAX_BOXES].from, s.from + 1);
	*to = s.to;
	put_head(&s);
	put_axis(&s);
	put_lanes(&s);
	for (i = 0; i < record->nr && record->spans[i].from < s.to; i++)
		put_box(&s, &record->spans[i]);
	put_legend(&s);
	fputs("</svg>\n", file);
	return !ferror(file);
}
