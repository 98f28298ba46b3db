/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_hosts.h"

#include "mtlsd/base/hostname.h"

#include <stdlib.h>
#include <string.h>

static const char *without_star(const char *name)
{
    return strncmp(name, "*.", 2) == 0 ? name + 2 : name;
}

static bool is_name(const char *name)
{
    return hostname_is_well_formed(span_from_str(without_star(name))) && name[strspn(name, "0123456789.:")] != '\0';
}

static struct span take_line(struct span *text)
{
    const uint8_t *end = text->len > 0 ? memchr(text->ptr, '\n', text->len) : NULL;
    struct span line = span_of(text->ptr, end != NULL ? (size_t)(end - text->ptr) : text->len);
    *text = span_skip(*text, line.len + (end != NULL));
    return line;
}

int tls_hosts_read(struct tls_hosts *h, struct span text)
{
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == '\n';
    *h = (struct tls_hosts){calloc(most, sizeof(*h->names)), 0};
    if (h->names == NULL)
        return -1;
    while (text.len > 0) {
        struct span line = take_line(&text);
        char *name = span_dup(line);
        if (name == NULL)
            return -1;
        if (is_name(name))
            h->names[h->n++] = name;
        else
            free(name);
    }
    return 0;
}

void tls_hosts_clear(struct tls_hosts *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->names[i]);
    free(h->names);
    *h = (struct tls_hosts){0};
}

bool tls_hosts_match(const struct tls_hosts *h, struct span host)
{
    for (size_t i = 0; i < h->n; i++)
        if (hostname_matches(span_from_str(h->names[i]), host))
            return host.len < TLS_HOSTS_NAME;
    return false;
}

const char *tls_hosts_constraint(const struct tls_hosts *h, size_t i)
{
    return without_star(h->names[i]);
}
