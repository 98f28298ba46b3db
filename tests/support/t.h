/* SPDX-License-Identifier: Apache-2.0 */
/* What every test file needs: Check, and its suite under the name `suite`. tests/CMakeLists.txt gives each a name of its own and writes the table. */
#ifndef MTLSD_TEST_T_H
#define MTLSD_TEST_T_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

Suite *suite(void);

struct t_suite {
    const char *name; /* of the file, without ".c" */
    Suite *(*make)(void);
};

/* The suites of this program, up to one without a name. */
extern const struct t_suite t_suites[];

#endif
