/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_words.h"

#include <stdio.h>
#include <string.h>

static void copy(const char *text, char out[TLS_WORDS_SIZE])
{
    size_t n = text != NULL ? strlen(text) : 0;
    if (n >= TLS_WORDS_SIZE)
        n = 0; /* cut short it would be another one */
    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

/* In this order. The text that a rule looks for stands once in a name or not at all, and is never shorter than its replacement. */
static const struct rule {
    const char *from, *to;
} rules[] = {
    {"TLS_RSA_WITH_", ""}, /* plain RSA goes without saying */
    {"TLS_", ""},
    {"_WITH_", "_"},
    {"AES_", "AES"},
    {"_CBC", ""},
    {"POLY1305_SHA256", "POLY1305"},
    {"CCM_8", "CCM8"},
};

static void apply(const struct rule *rule, char *text)
{
    char *at = strstr(text, rule->from);
    if (at == NULL)
        return;
    size_t n = strlen(rule->from), m = strlen(rule->to);
    memcpy(at, rule->to, m);
    memmove(at + m, at + n, strlen(at + n) + 1);
}

void tls_words_suite(const char *iana, char out[TLS_WORDS_SIZE])
{
    copy(iana, out);
    if (strncmp(out, "TLS_", 4) != 0 || strstr(out, "_WITH_") == NULL)
        return;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        apply(&rules[i], out);
    for (char *p = out; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
}

void tls_words_version(const char *ours, char out[TLS_WORDS_SIZE])
{
    copy(ours, out);
    if (strncmp(out, "TLS1", 4) == 0 && strlen(out) < 8) /* "TLS1.3" */
        snprintf(out, TLS_WORDS_SIZE, "TLSv%s", ours + 3);
}
