/* SPDX-License-Identifier: Apache-2.0 */
/* What every test file needs: Check, and its suite under the name `suite`. tests/CMakeLists.txt gives each a name of its own and writes the table. */
#ifndef MTLSD_TEST_T_H
#define MTLSD_TEST_T_H

#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "wire_pair.h"

Suite *suite(void);

/* What Check has under these names, but for tests that are not run over this pair of versions. */
#undef tcase_add_test
#undef tcase_add_loop_test
#define tcase_add_loop_test(tc, test, from, to)                     \
    do {                                                            \
        if (wire_pair_takes(#test))                                 \
            _tcase_add_test((tc), (test), 0, 0, (from), (to));      \
    } while (0)
#define tcase_add_test(tc, test) tcase_add_loop_test(tc, test, 0, 1)

struct t_suite {
    const char *name; /* of the file, without ".c" */
    Suite *(*make)(void);
};

/* The suites of this program, up to one without a name. */
extern const struct t_suite t_suites[];

#endif
