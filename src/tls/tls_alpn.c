/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_alpn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int check_names(const struct tls_context_spec *spec, struct err *err)
{
    if (spec->n_alpn > TLS_ALPN_MAX)
        return err_set(err, ERR_CONFIG, "more than %d application protocols (ALPN)", TLS_ALPN_MAX);
    for (size_t i = 0; i < spec->n_alpn; i++)
        if (spec->alpn[i][0] == '\0' || strlen(spec->alpn[i]) > TLS_ALPN_NAME_MAX)
            return err_set(err, ERR_CONFIG, "the application protocol (ALPN) \"%.80s\" must have 1 to %d bytes", spec->alpn[i], TLS_ALPN_NAME_MAX);
    return 0;
}

static int add_name(struct tls_alpn *alpn, const char *name, struct err *err)
{
    char *copy = strdup(name);
    if (copy == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    size_t at = strlen(alpn->list);
    snprintf(alpn->list + at, sizeof(alpn->list) - at, "%s%s", at > 0 ? ", " : "", name);
    alpn->names[alpn->n++] = (gnutls_datum_t){(unsigned char *)copy, (unsigned)strlen(name)};
    return 0;
}

struct tls_alpn *tls_alpn_new(const struct tls_context_spec *spec, struct err *err)
{
    if (check_names(spec, err) != 0)
        return NULL;
    struct tls_alpn *alpn = calloc(1, sizeof(*alpn) + spec->n_alpn * sizeof(alpn->names[0]));
    if (alpn == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    alpn->accepting = spec->accepting;
    alpn->need = spec->alpn_need;
    while (alpn->n < spec->n_alpn) {
        if (add_name(alpn, spec->alpn[alpn->n], err) == 0)
            continue;
        tls_alpn_free(alpn);
        return NULL;
    }
    return alpn;
}

void tls_alpn_free(struct tls_alpn *alpn)
{
    for (size_t i = 0; alpn != NULL && i < alpn->n; i++)
        free(alpn->names[i].data);
    free(alpn);
}

/* With ALPN_MANDATORY the library refuses a server's answer that was not offered; a server without an answer it lets pass. */
int tls_alpn_offer(const struct tls_alpn *alpn, gnutls_session_t session)
{
    if (alpn == NULL)
        return 0;
    bool must_match = !alpn->accepting || alpn->need != TLS_ALPN_OPTIONAL;
    unsigned flags = GNUTLS_ALPN_SERVER_PRECEDENCE | (must_match ? GNUTLS_ALPN_MANDATORY : 0);
    return gnutls_alpn_set_protocols(session, alpn->names, (unsigned)alpn->n, flags);
}

bool tls_alpn_same(const struct tls_alpn *a, const struct tls_alpn *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->need == b->need && strcmp(a->list, b->list) == 0;
}

bool tls_alpn_agreed(const struct tls_alpn *alpn, gnutls_session_t session, const char **name)
{
    gnutls_datum_t chosen = {0};
    *name = NULL;
    if (alpn == NULL)
        return true;
    if (gnutls_alpn_get_selected_protocol(session, &chosen) != 0)
        return alpn->need != TLS_ALPN_REQUIRED;
    for (size_t i = 0; i < alpn->n && *name == NULL; i++)
        if (chosen.size == alpn->names[i].size && memcmp(chosen.data, alpn->names[i].data, chosen.size) == 0)
            *name = (const char *)alpn->names[i].data;
    return *name != NULL;
}
