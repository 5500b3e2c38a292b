/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Become somebody with less rights, for the rest of the process.
 */
#ifndef SELFTESTS_UNPRIV_H
#define SELFTESTS_UNPRIV_H

#include <stdint.h>

#define UNPRIV_UID	1000

/* Keep but the capabilities of the bits in @mask in force; -errno */
int unpriv_capabilities(uint64_t mask);

/* Become user 1000, with no group and no capability; -errno */
int unpriv_user(void);

/*
 * Become user 1000 and then root of a user namespace of his own, which is made
 * together with those in @flags (CLONE_NEWNET); -errno
 */
int unpriv_userns_root(int flags);

#endif /* SELFTESTS_UNPRIV_H */
