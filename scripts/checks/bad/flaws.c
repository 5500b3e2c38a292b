// SPDX-License-Identifier: GPL-2.0
/*
 * One flaw for each of a few of the kernel's semantic patches, from several of
 * its directories: that they are found shows that coccinelle reads our files,
 * runs scripts, and is heard. Never compiled.
 */
#include <linux/slab.h>

static int use_after_free(struct thing *t)	/* kfree.cocci */
{
	kfree(t);
	return t->field;
}

static int deref_null(struct thing *t)		/* deref_null.cocci */
{
	if (!t)
		return t->field;
	return 0;
}

static int no_null(void)			/* eno.cocci */
{
	struct thing *t = kmalloc(sizeof(*t), GFP_KERNEL);

	if (IS_ERR(t))
		return -ENOMEM;
	return 0;
}

static int locked_twice(struct thing *t)	/* double_lock.cocci */
{
	mutex_lock(&t->lock);
	if (t->field)
		mutex_lock(&t->lock);
	mutex_unlock(&t->lock);
	return 0;
}

static int other_pointer(struct thing *t)	/* odd_ptr_err.cocci */
{
	struct thing *u = first(t);

	if (IS_ERR(t))
		return PTR_ERR(u);
	return 0;
}

static void past_the_end(struct list_head *head) /* use_after_iter.cocci */
{
	struct thing *t;

	list_for_each_entry(t, head, node)
		look(t);
	look(t->field);
}

static int newline(struct genl_info *info)	/* newline_in_nl_msg.cocci */
{
	GENL_SET_ERR_MSG(info, "a line\n");
	return -EINVAL;
}

static int below_zero(void)			/* unsigned_lesser_than_zero.cocci */
{
	unsigned int n;

	n = count();
	if (n < 0)
		return 1;
	return 0;
}
