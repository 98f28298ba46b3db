/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include <stdio.h>
#include <string.h>

static bool is_wanted(const char *name, char **wanted, int n)
{
    for (int i = 0; i < n; i++) {
        if (strcmp(name, wanted[i]) == 0)
            return true;
    }
    return n == 0;
}

/* usage: PROGRAM [test_FILE...]     without a name: every file of the program */
int main(int argc, char **argv)
{
    SRunner *runner = srunner_create(NULL);
    for (const struct t_suite *s = t_suites; s->name != NULL; s++) {
        if (is_wanted(s->name, argv + 1, argc - 1) && wire_pair_takes(s->name))
            srunner_add_suite(runner, s->make());
    }
    srunner_run_all(runner, CK_ENV);
    int ran = srunner_ntests_run(runner), failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    if (ran == 0)
        fprintf(stderr, "no test of that name is in %s\n", argv[0]);
    return ran > 0 && failed == 0 ? 0 : 1;
}
