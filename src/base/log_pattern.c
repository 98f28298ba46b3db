/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log_pattern.h"

#include <stdlib.h>
#include <string.h>

struct kept {
    struct kept *next;
    struct template *pattern;
    char text[];
};

static struct kept *all; /* of the main thread */
static const struct template *used[LOG_PATTERNS]; /* each written and read as one word */

static const struct kept *find(const char *text)
{
    for (const struct kept *k = all; k != NULL; k = k->next)
        if (strcmp(k->text, text) == 0)
            return k;
    return NULL;
}

int log_pattern_keep(const char *text)
{
    if (find(text) != NULL)
        return 0;
    size_t n = strlen(text);
    struct kept *k = malloc(sizeof(*k) + n + 1);
    if (k == NULL)
        return -1;
    memcpy(k->text, text, n + 1);
    if ((k->pattern = template_new(span_of(text, n), TEMPLATE_OF_LOG, NULL)) == NULL) {
        free(k);
        return -1;
    }
    k->next = all;
    all = k;
    return 0;
}

void log_pattern_use(unsigned number, const char *text)
{
    const struct kept *k = text != NULL ? find(text) : NULL;
    if (number < LOG_PATTERNS)
        __atomic_store_n(&used[number], k != NULL ? k->pattern : NULL, __ATOMIC_RELEASE);
}

const struct template *log_pattern_of(enum log_format format)
{
    unsigned number = (unsigned)format - LOG_FORMAT_PATTERN;
    return format >= LOG_FORMAT_PATTERN && number < LOG_PATTERNS ? __atomic_load_n(&used[number], __ATOMIC_ACQUIRE) : NULL;
}
