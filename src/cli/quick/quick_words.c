/* SPDX-License-Identifier: Apache-2.0 */
#include "quick.h"

#include "mtlsd/base/bytes.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 * 1024 };

/* Longer ones first where one begins another. */
static const struct {
    const char *key, *flag;
} words[] = {
    {"listeners.client.insecure_expose", "--insecure-expose"},
    {"listeners.client.bind", "--listen"},
    {"listeners.client.hosts", "--host"},
    {"listeners.server.bind", "--listen"},
    {"listeners.server.allow", "--allow"},
    {"listeners.server.identity_headers", "--identity-headers"},
    {"upstreams.upstream.tls.server_name", "--server-name"},
    {"upstreams.upstream.targets[0]", "--upstream"},
    {"upstreams.upstream.targets", "--upstream"},
    {"upstreams.backend.targets[0]", "--backend"},
    {"upstreams.backend.targets", "--backend"},
    {"identities.own.bundle", "--bundle"},
    {"trusts.peers.ca", "--ca"},
    {"trusts.peers.crl", "--crl"},
    {"log.level", "--log-level"},
    {"admin.socket", "--admin"},
    {"insecure_expose = true", "--insecure-expose"},
    {"identity \"own\"", "--bundle"},
    {"identity own:", "--bundle:"},
    {"trust \"peers\"", "--ca"},
    {"trust peers", "--ca"},
    {"listener \"client\"", "--listen"},
    {"listener \"server\"", "--listen"},
};

static int append(struct bytes *out, const char *text)
{
    while (*text != '\0') {
        size_t i = 0, n = sizeof(words) / sizeof(words[0]);
        while (i < n && strncmp(text, words[i].key, strlen(words[i].key)) != 0)
            i++;
        bytes_append(out, i == n ? text : words[i].flag, i == n ? 1 : strlen(words[i].flag));
        text += i == n ? 1 : strlen(words[i].key);
    }
    return out->failed ? -1 : 0;
}

static char *translated(const char *text)
{
    struct bytes out;
    bytes_init(&out, TEXT_MAX);
    char *copy = append(&out, text) == 0 ? span_dup(bytes_span(&out)) : NULL;
    bytes_clear(&out);
    return copy;
}

void quick_words_translate(struct findings *findings)
{
    static const char place[] = QUICK_WORDS_PLACE;
    for (size_t i = 0; i < findings->n; i++) {
        struct finding *f = &findings->items[i];
        char *text = strncmp(f->where, place, sizeof(place) - 1) == 0 ? translated(f->text) : NULL;
        if (text == NULL)
            continue;
        free(f->text);
        f->text = text;
        f->where[sizeof(place) - 1] = '\0'; /* the user has not seen its lines */
    }
}
