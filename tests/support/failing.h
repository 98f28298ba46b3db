/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes one allocation of ours fail, or all from one on. Only in programs that are linked with --wrap for malloc, calloc, realloc and strdup
 * (tests/CMakeLists.txt): the linker sends our own calls here. Libraries keep theirs, but for GnuTLS and jansson, which can be told to use these.
 */
#ifndef MTLSD_TEST_FAILING_H
#define MTLSD_TEST_FAILING_H

#include <stdbool.h>

/* NULL: anywhere; else only while this says so. */
extern bool (*failing_here)(void);

/* The n-th allocation from now on fails, 0 being the next. */
void failing_arm(unsigned n, bool all_that_follow);
/* Back to normal. True: one has failed. */
bool failing_disarm(void);

/* Those of the library too, from now on or no more. */
void failing_gnutls(bool too);
void failing_jansson(bool too);

#endif
