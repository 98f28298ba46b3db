/* SPDX-License-Identifier: Apache-2.0 */
#include "quick.h"
#include "command.h"
#include "mtlsd/daemon/run.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT_MAX ((size_t)256 * 1024)

int quick_run(quick_run_make_fn make, const struct quick_config *q, bool print)
{
    struct err err = {0};
    struct bytes out;
    bytes_init(&out, TEXT_MAX);
    char *text = make(q, &out, &err) == 0 ? span_dup(bytes_span(&out)) : NULL;
    bytes_clear(&out);
    int code = COMMAND_FINE;
    if (text == NULL)
        code = err.kind != ERR_NONE ? command_fail_err(&err) : command_fail(COMMAND_FAILED, "out of memory");
    else if (print)
        fputs(text, stdout);
    else
        code = daemon_run(&(struct run_options){.text = text, .place = QUICK_WORDS_PLACE, .translate = quick_words_translate});
    free(text);
    return code;
}
