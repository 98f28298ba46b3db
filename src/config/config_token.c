/* SPDX-License-Identifier: Apache-2.0 */
#include "config_token.h"

#include <string.h>

void config_token_begin(struct config_token *t, const struct config_source *s)
{
    *t = (struct config_token){.text = (const char *)bytes_span(&s->text).ptr, .line = 1};
}

/* With both quotes; the source has made sure that the second one is there. */
static size_t string_length(const char *p)
{
    size_t n = 1;
    for (; p[n] != '"' && p[n] != '\0'; n++)
        if (p[n] == '\\' && p[n + 1] != '\0')
            n++;
    return p[n] == '"' ? n + 1 : n;
}

bool config_token_next(struct config_token *t)
{
    static const char word_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-*+.";
    t->gap = t->text += t->n;
    for (; *t->text == ' ' || *t->text == '\t' || *t->text == '\n'; t->text++)
        t->line += *t->text == '\n';
    t->n = strspn(t->text, word_bytes);
    t->kind = t->n > 0 ? CONFIG_TOKEN_WORD : *t->text == '"' ? CONFIG_TOKEN_STRING : *t->text != '\0' ? CONFIG_TOKEN_SIGN : CONFIG_TOKEN_END;
    if (t->kind == CONFIG_TOKEN_STRING)
        t->n = string_length(t->text);
    else if (t->kind == CONFIG_TOKEN_SIGN)
        t->n = 1;
    return t->kind != CONFIG_TOKEN_END;
}
