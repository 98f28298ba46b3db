/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include "load.h"
#include "mtlsd/base/text.h"
#include "mtlsd/control/registry_row.h"
#include "mtlsd/tls/tls_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int describe(const struct tls_chain *chain, bool by_key, struct registry_subject *out, struct err *err)
{
    struct tls_peer *peer = tls_peer_new(chain->ders[0], err);
    if (peer == NULL)
        return -1;
    snprintf(out->sha256, sizeof(out->sha256), "%s", by_key ? peer->spki_sha256 : peer->sha256);
    snprintf(out->subject, sizeof(out->subject), "%s", peer->subject);
    text_utc(out->not_after, peer->not_after);
    tls_peer_free(peer);
    return 0;
}

int registry_subject_of(struct span pem, const char *file, struct registry_subject *out, struct err *err)
{
    struct tls_chain chain;
    *out = (struct registry_subject){0};
    if (tls_chain_read(&chain, pem, file, err) != 0)
        return -1;
    int rc = describe(&chain, false, out, err);
    tls_chain_clear(&chain);
    return rc;
}

int registry_subject_read(const char *operand, bool by_key, struct registry_subject *out, struct err *err)
{
    struct tls_chain chain;
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    *out = (struct registry_subject){0};
    if (registry_row_id(span_from_str(operand), id) == 0) {
        text_hex(out->sha256, span_of(id, sizeof(id)));
        return 0;
    }
    if (load_chain(operand, &chain, err) != 0)
        return -1;
    int rc = describe(&chain, by_key, out, err);
    tls_chain_clear(&chain);
    return rc;
}

int registry_attributes(const char *before, const struct flag_list *given, char **out, struct err *err)
{
    char *now = before != NULL ? strdup(before) : NULL;
    *out = NULL;
    for (size_t i = 0; i < given->n; i++) {
        const char *item = given->items[i], *equals = strchr(item, '=');
        char *name = equals != NULL ? span_dup(span_of(item, (size_t)(equals - item))) : NULL;
        if (name == NULL) {
            free(now);
            return err_set(err, ERR_USAGE, "--attribute %.80s: write NAME=VALUE, or NAME= to take it away", item);
        }
        char *next = registry_row_with_attribute(now, name, equals[1] != '\0' ? equals + 1 : NULL, err);
        free(name);
        free(now);
        if (next == NULL)
            return -1;
        now = next;
    }
    *out = now;
    return 0;
}
