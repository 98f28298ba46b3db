/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/err.h"

#include <stdarg.h>
#include <stdio.h>

void err_clear(struct err *err)
{
    err->kind = ERR_NONE;
    err->text[0] = '\0';
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
    if (err == NULL || err->kind != ERR_NONE)
        return -1;
    va_list args;
    va_start(args, fmt);
    err->kind = kind;
    vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return -1;
}
