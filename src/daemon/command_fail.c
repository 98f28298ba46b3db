/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/daemon/command_fail.h"
#include "mtlsd/base/err.h"

#include <stdarg.h>
#include <stdio.h>

int command_fail(int exit_code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("mtlsd: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return exit_code;
}

int command_fail_err(const struct err *err)
{
    switch (err->kind) {
    case ERR_USAGE:
        return command_fail(COMMAND_USAGE, "%s", err->text);
    case ERR_CONFIG:
    case ERR_CREDENTIAL:
        return command_fail(COMMAND_REFUSED, "%s", err->text);
    default:
        return command_fail(COMMAND_FAILED, "%s", err->text);
    }
}
