// SPDX-License-Identifier: GPL-2.0
/* What a command has found, as the user wants it: for people or as JSON. */
#include "json.h"
#include "output.h"

int output_list(const struct ctx *ctx, const struct list *list,
		const struct column *columns)
{
	if (ctx->json)
		return json_print_list(ctx->pretty, list);
	return print_list(list, columns);
}

int output_object(const struct ctx *ctx, const struct model *model,
		  const void *obj)
{
	if (ctx->json)
		return json_print_object(ctx->pretty, model, obj);
	print_object(model, obj);
	return EXIT_DONE;
}

int output_all(struct ctx *ctx, int argc, char **argv, __u8 cmd,
	       const struct model *model, const struct column *columns)
{
	struct list list = { .model = model };
	int code;

	if (argc)
		return fail_usage(ctx, "unknown word \"%s\"", argv[0]);
	code = list_objects(ctx, cmd, NULL, NULL, &list);
	if (!code)
		code = output_list(ctx, &list, columns);
	list_clear(&list);
	return code;
}
