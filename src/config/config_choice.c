/* SPDX-License-Identifier: Apache-2.0 */
#include "config_choice.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/base/template.h"
#include "mtlsd/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 16 };

bool config_choice_word(const char *words, size_t n, const char **word, size_t *len)
{
    for (const char *p = words; *p != '\0';) {
        size_t run = strcspn(p, " ");
        if (n == 0) {
            *word = p;
            *len = run;
            return true;
        }
        n--;
        p += run;
        p += strspn(p, " |");
    }
    return false;
}

bool config_choice_find(const struct config_slot *s, unsigned *index)
{
    const char *word;
    size_t len;
    for (unsigned i = 0; config_choice_word(s->o->bounds, i, &word, &len); i++) {
        if (len == strlen(s->text) && memcmp(word, s->text, len) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static MUST_CHECK int refuse(const struct config_slot *s, struct err *err)
{
    char copies[WORDS_MAX][32];
    const char *candidates[WORDS_MAX], *word;
    size_t n = 0, len;
    while (n < WORDS_MAX && config_choice_word(s->o->bounds, n, &word, &len)) {
        snprintf(copies[n], sizeof(copies[n]), "%.*s", (int)len, word);
        candidates[n] = copies[n];
        n++;
    }
    const char *near = text_suggest(s->text, candidates, n);
    if (near != NULL)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a valid value, did you mean \"%s\"? (%s)",
                       s->text, near, s->o->bounds);
    return err_set(err, ERR_CONFIG, "\"%.80s\" is not a valid value: write %s", s->text, s->o->bounds);
}

int config_choice_set_word(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    memcpy(config_slot_field(s), &index, sizeof(index)); /* the words stand in the order of the enum */
    return 0;
}

static int set_pattern(const struct config_slot *s, struct config_format *format, struct err *err)
{
    struct template *t = template_new(span_from_str(s->text), TEMPLATE_OF_LOG, err);
    if (t == NULL)
        return -1;
    format->uses = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->parts[i].text.len == 0)
            format->uses |= UINT64_C(1) << t->parts[i].variable;
    free(t);
    format->word = LOG_FORMAT_PATTERN;
    return config_slot_keep(&format->pattern, strdup(s->text), err);
}

int config_choice_set_format(const struct config_slot *s, struct err *err)
{
    struct config_format *format = config_slot_field(s);
    unsigned index;
    if (strchr(s->text, '{') != NULL)
        return set_pattern(s, format, err);
    if (!config_choice_find(s, &index)) {
        if (strpbrk(s->text, "$%") == NULL)
            return refuse(s, err);
        return err_set(err, ERR_CONFIG, "\"%.80s\" has no variable: they are written as {client.address} and {status}, and VARIABLES in mtlsd.conf(5) lists them", s->text);
    }
    format->word = (int)index;
    return 0;
}

void config_choice_free_format(const struct config_slot *s)
{
    free(((struct config_format *)config_slot_field(s))->pattern);
}

int config_choice_set_words(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    *(unsigned *)config_slot_field(s) |= 1U << index;
    return 0;
}

/* In the order of the words, of which "error" is one more. */
static const enum reason statuses[] = {
    REASON_VALID,       REASON_NONE,       REASON_EXPIRED,       REASON_NOT_YET_VALID,
    REASON_REVOKED,     REASON_UNKNOWN_CA, REASON_WRONG_PURPOSE, REASON_WEAK,
    REASON_CRL_MISSING, REASON_CRL_STALE,  REASON_CONSTRAINT,    REASON_NOT_REGISTERED,
    REASON_SUSPENDED,   REASON_REGISTRY_STALE, REASON_MALFORMED,
};

/* The words of tolerate: those of certificates that can be read and are not valid, and "all". */
int config_choice_set_tolerated(const struct config_slot *s, struct err *err)
{
    enum { FIRST = 2, N = sizeof(statuses) / sizeof(statuses[0]) - FIRST - 1 };
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    uint64_t *bits = config_slot_field(s);
    for (unsigned i = index < N ? index : 0; i <= (index < N ? index : N - 1); i++)
        *bits |= UINT64_C(1) << statuses[FIRST + i];
    return 0;
}

int config_choice_set_statuses(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    bool error = index == sizeof(statuses) / sizeof(statuses[0]);
    unsigned first = error ? REASON_EXPIRED : statuses[index],
             last = error ? REASON_MALFORMED : statuses[index];
    for (unsigned i = first; i <= last; i++) /* the bad ones stand in one run */
        *(uint64_t *)config_slot_field(s) |= UINT64_C(1) << i;
    return 0;
}

int config_choice_set_sticky(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is not a valid value: write \"client_cert\", or a group as in { cookie = "
                       "\"JSESSIONID\"; mode = \"suffix\"; }",
                       s->text);
    *(enum config_sticky *)config_slot_field(s) = CONFIG_STICKY_CLIENT_CERT;
    return 0;
}

int config_choice_set_sticky_mode(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    *(enum config_sticky *)config_slot_field(s) = index == 0 ? CONFIG_STICKY_SUFFIX : CONFIG_STICKY_INSERT;
    return 0;
}

int config_choice_set_serve(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (!config_choice_find(s, &index))
        return refuse(s, err);
    *(enum config_serve *)config_slot_field(s) = (enum config_serve)(index + 1);
    return 0;
}
