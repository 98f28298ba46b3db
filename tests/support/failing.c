/* SPDX-License-Identifier: Apache-2.0 */
#include "failing.h"

#include <gnutls/gnutls.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

bool (*failing_here)(void);

static bool armed, fired, for_good;
static unsigned countdown;

static bool fails(void)
{
    if (!armed || (failing_here != NULL && !failing_here()))
        return false;
    if (fired)
        return for_good;
    fired = countdown-- == 0;
    return fired;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

void failing_arm(unsigned n, bool all_that_follow)
{
    armed = true;
    fired = false;
    for_good = all_that_follow;
    countdown = n;
}

bool failing_disarm(void)
{
    armed = false;
    return fired;
}

/* These four are variables of the library, for whoever has an allocator of his own. */
void failing_gnutls(bool too)
{
    gnutls_malloc = too ? __wrap_malloc : __real_malloc;
    gnutls_calloc = too ? __wrap_calloc : __real_calloc;
    gnutls_realloc = too ? __wrap_realloc : __real_realloc;
    gnutls_strdup = too ? __wrap_strdup : __real_strdup;
}

void failing_jansson(bool too)
{
    json_set_alloc_funcs(too ? __wrap_malloc : __real_malloc, free);
}
