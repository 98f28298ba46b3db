/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload.h"
#include "workload_wire.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/tls/tls_key_memory.h"
#include "mtlsd/tls/tls_svid.h"

#include <stdlib.h>
#include <string.h>

enum { MEMORY_MAX = 4 * WORKLOAD_MESSAGE_MAX, TEXT_MAX = 2 * WORKLOAD_MESSAGE_MAX };

static const char scheme[] = "spiffe://";
enum { SCHEME_LENGTH = sizeof(scheme) - 1 };

/* ---- memory of messages ---- */

union header { /* keeps what follows aligned */
    size_t size;
    max_align_t align;
};

static void *take(void *ctx, size_t size)
{
    struct workload_memory *m = ctx;
    union header *h = size < MEMORY_MAX - m->used ? malloc(sizeof(*h) + size) : NULL;
    if (h == NULL) {
        m->refused = true;
        return NULL;
    }
    h->size = size;
    m->used += size;
    return h + 1;
}

static void give_back(void *ctx, void *memory)
{
    struct workload_memory *m = ctx;
    if (memory == NULL)
        return;
    union header *h = (union header *)memory - 1;
    m->used -= h->size;
    explicit_bzero(memory, h->size);
    free(h);
}

void workload_memory_init(struct workload_memory *m)
{
    *m = (struct workload_memory){.allocator = {take, give_back, m}};
}

/* ---- the set ---- */

static void clear_svid(struct workload_svid *s)
{
    free(s->id);
    free(s->hint);
    bytes_clear(&s->chain);
    tls_key_memory_wipe(s->key);
}

void workload_set_clear(struct workload_set *set)
{
    for (size_t i = 0; i < set->n_svids; i++)
        clear_svid(&set->svids[i]);
    for (size_t i = 0; i < set->n_bundles; i++) {
        free(set->bundles[i].domain);
        bytes_clear(&set->bundles[i].ca);
    }
    free(set->svids);
    free(set->bundles);
    tls_key_memory_unref(set->memory);
    *set = (struct workload_set){0};
}

static struct span span_of_data(ProtobufCBinaryData data)
{
    return span_of(data.data, data.len);
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory for SVIDs and bundles");
}

static struct span domain_of(struct span id)
{
    struct span rest = span_skip(id, SCHEME_LENGTH);
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;
    return span_of(rest.ptr, slash != NULL ? (size_t)(slash - rest.ptr) : rest.len);
}

static int copy_bytes(struct span from, struct bytes *out)
{
    bytes_init(out, WORKLOAD_MESSAGE_MAX);
    return bytes_append_span(out, from);
}

/* ---- bundles ---- */

static struct workload_bundle *find_bundle(const struct workload_set *set, struct span domain)
{
    for (size_t i = 0; i < set->n_bundles; i++)
        if (span_equals_str(domain, set->bundles[i].domain))
            return &set->bundles[i];
    return NULL;
}

/* Two of one trust domain would have to be merged, or one of them dropped. */
static int check_same(const struct workload_bundle *known, struct span ca, struct err *err)
{
    if (span_equals(bytes_span(&known->ca), ca))
        return 0;
    return err_set(err, ERR_CREDENTIAL, "bundle of %s: the message has two different ones", known->domain);
}

static int add_bundle(struct workload_set *set, struct span domain, struct span ca, struct err *err)
{
    size_t n;
    const struct workload_bundle *known = find_bundle(set, domain);
    if (known != NULL)
        return check_same(known, ca, err);
    if (tls_svid_check_bundle(domain, ca, &n, err) != 0)
        return -1;
    if (n > WORKLOAD_CAS_MAX || set->n_bundles == WORKLOAD_BUNDLES_MAX)
        return err_set(err, ERR_CREDENTIAL, "bundle of %.*s: there are more than %d %s", (int)domain.len, (const char *)domain.ptr,
                       n > WORKLOAD_CAS_MAX ? WORKLOAD_CAS_MAX : WORKLOAD_BUNDLES_MAX, n > WORKLOAD_CAS_MAX ? "certificates in it" : "bundles");
    struct workload_bundle *more = realloc(set->bundles, (set->n_bundles + 1) * sizeof(*more));
    if (more == NULL)
        return no_memory(err);
    set->bundles = more;
    struct workload_bundle *b = &more[set->n_bundles++];
    *b = (struct workload_bundle){.domain = span_dup(domain), .n = n};
    return copy_bytes(ca, &b->ca) == 0 && b->domain != NULL ? 0 : no_memory(err);
}

/* The standard's key is the ID of the trust domain; some agents write its bare name. */
int workload_wire_bundles(struct workload_set *out, Mtlsd__Workload__Bundle **bundles, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        struct span domain = span_of_data(bundles[i]->trust_domain);
        if (domain.len > SCHEME_LENGTH && memcmp(domain.ptr, scheme, SCHEME_LENGTH) == 0)
            domain = span_skip(domain, SCHEME_LENGTH);
        if (!spiffe_is_domain(domain))
            return err_set(err, ERR_CREDENTIAL, "bundle %zu: its trust domain has no well-formed name", i + 1);
        if (add_bundle(out, domain, span_of_data(bundles[i]->certificates), err) != 0)
            return -1;
    }
    return 0;
}

/* ---- SVIDs ---- */

static int check_form(const struct workload_set *set, const Mtlsd__Workload__Svid *from, struct err *err)
{
    struct span id = span_of_data(from->spiffe_id);
    size_t at = set->n_svids + 1;
    if (!spiffe_is_well_formed(id) || !spiffe_is_of_domain(id, domain_of(id)))
        return err_set(err, ERR_CREDENTIAL, "SVID %zu: its ID is not a well-formed SPIFFE ID with a path", at);
    if (from->hint.len > WORKLOAD_HINT_MAX || (from->hint.len > 0 && memchr(from->hint.data, 0, from->hint.len) != NULL))
        return err_set(err, ERR_CREDENTIAL, "SVID %zu: its hint is longer than %d bytes, or has a zero byte", at, WORKLOAD_HINT_MAX);
    if (set->memory == NULL && from->x509_svid_key.len > 0)
        return err_set(err, ERR_INTERNAL, "SVID %zu: it comes with a key", at);
    if (set->memory != NULL && from->x509_svid_key.len == 0)
        return err_set(err, ERR_CREDENTIAL, "SVID %zu: it comes without a key", at);
    return 0;
}

static int fill_svid(struct workload_set *set, struct workload_svid *out, const Mtlsd__Workload__Svid *from)
{
    struct span key = span_of_data(from->x509_svid_key);
    out->id = span_dup(span_of_data(from->spiffe_id));
    out->hint = span_dup(span_of_data(from->hint));
    int rc = copy_bytes(span_of_data(from->x509_svid), &out->chain);
    if (set->memory != NULL)
        out->key = tls_key_memory_keep(set->memory, key);
    return rc == 0 && out->id != NULL && out->hint != NULL && (set->memory == NULL || out->key.len == key.len) ? 0 : -1;
}

static int add_svid(struct workload_set *set, const Mtlsd__Workload__Svid *from, struct err *err)
{
    const struct tls_svid svid = {span_of_data(from->spiffe_id), span_of_data(from->x509_svid), span_of_data(from->x509_svid_key)};
    struct tls_svid_facts facts;
    if (check_form(set, from, err) != 0 || tls_svid_check(&svid, &facts, err) != 0)
        return -1;
    if (facts.n > WORKLOAD_CHAIN_MAX)
        return err_set(err, ERR_CREDENTIAL, "SVID %.*s: its chain has more than %d certificates", (int)svid.id.len, (const char *)svid.id.ptr, WORKLOAD_CHAIN_MAX);
    struct workload_svid *s = &set->svids[set->n_svids++];
    *s = (struct workload_svid){.not_before = facts.not_before, .not_after = facts.not_after};
    if (fill_svid(set, s, from) != 0)
        return no_memory(err);
    return from->bundle.len > 0 ? add_bundle(set, domain_of(svid.id), span_of_data(from->bundle), err) : 0;
}

int workload_wire_svids(struct workload_set *out, Mtlsd__Workload__Svid **svids, size_t n, struct err *err)
{
    if (n > WORKLOAD_SVIDS_MAX)
        return err_set(err, ERR_CREDENTIAL, "the message has more than %d SVIDs", WORKLOAD_SVIDS_MAX);
    out->svids = calloc(n + 1, sizeof(*out->svids));
    if (out->svids == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i++)
        if (add_svid(out, svids[i], err) != 0)
            return -1;
    return 0;
}

/* ---- messages ---- */

static int malformed(const struct workload_memory *m, struct err *err)
{
    return err_set(err, m->refused ? ERR_MEMORY : ERR_PROTOCOL, m->refused ? "the message takes too much memory" : "the message is not well-formed");
}

static int read_svids(struct workload_set *out, struct span message, struct err *err)
{
    struct workload_memory m;
    workload_memory_init(&m);
    Mtlsd__Workload__SvidResponse *r = mtlsd__workload__svid_response__unpack(&m.allocator, message.len, message.ptr);
    if (r == NULL)
        return malformed(&m, err);
    int rc = r->n_svids > 0 ? workload_wire_svids(out, r->svids, r->n_svids, err) : err_set(err, ERR_CREDENTIAL, "the message has no SVID");
    if (rc == 0)
        rc = workload_wire_bundles(out, r->federated_bundles, r->n_federated_bundles, err);
    mtlsd__workload__svid_response__free_unpacked(r, &m.allocator);
    return rc;
}

static int read_bundles(struct workload_set *out, struct span message, struct err *err)
{
    struct workload_memory m;
    workload_memory_init(&m);
    Mtlsd__Workload__BundlesResponse *r = mtlsd__workload__bundles_response__unpack(&m.allocator, message.len, message.ptr);
    if (r == NULL)
        return malformed(&m, err);
    int rc = r->n_bundles > 0 ? workload_wire_bundles(out, r->bundles, r->n_bundles, err) : err_set(err, ERR_CREDENTIAL, "the message has no bundle");
    mtlsd__workload__bundles_response__free_unpacked(r, &m.allocator);
    return rc;
}

int workload_set_read(struct workload_set *out, enum workload_method method, struct span message, struct tls_key_memory *memory, struct err *err)
{
    *out = (struct workload_set){.memory = memory != NULL ? tls_key_memory_ref(memory) : NULL};
    int rc = message.len > WORKLOAD_MESSAGE_MAX ? err_set(err, ERR_PROTOCOL, "the message is larger than %d MiB", WORKLOAD_MESSAGE_MAX >> 20)
             : method == WORKLOAD_X509_SVID     ? read_svids(out, message, err)
                                                : read_bundles(out, message, err);
    if (rc != 0)
        workload_set_clear(out);
    return rc;
}

/* ---- by name ---- */

const struct workload_svid *workload_set_svid(const struct workload_set *set, const char *source)
{
    if (strcmp(source, "spiffe:") == 0)
        return set->n_svids > 0 ? &set->svids[0] : NULL;
    for (size_t i = 0; i < set->n_svids; i++)
        if (strcmp(set->svids[i].id, source) == 0)
            return &set->svids[i];
    return NULL;
}

const struct workload_bundle *workload_set_bundle(const struct workload_set *set, const char *source)
{
    return strncmp(source, scheme, SCHEME_LENGTH) == 0 ? find_bundle(set, span_from_str(source + SCHEME_LENGTH)) : NULL;
}

static bool names_bundle(const char *source)
{
    return strncmp(source, scheme, SCHEME_LENGTH) == 0 && strchr(source + SCHEME_LENGTH, '/') == NULL;
}

static int absent(const struct workload_set *set, const char *source, struct err *err)
{
    if (strcmp(source, "spiffe:") == 0)
        return err_set(err, ERR_CREDENTIAL, "the SPIFFE agent gives no SVID: register this workload");
    if (names_bundle(source))
        return err_set(err, ERR_CREDENTIAL, "the SPIFFE agent gives no bundle of trust domain %.255s: federate with it, or correct the name", source + SCHEME_LENGTH);
    return err_set(err, ERR_CREDENTIAL, "the SPIFFE agent gives no SVID %.300s%s%.200s: register this workload with that ID, or correct it", source,
                   set->n_svids > 0 ? ", but " : "", set->n_svids > 0 ? set->svids[0].id : "");
}

int workload_set_text(const struct workload_set *set, const char *source, struct bytes *out, struct err *err)
{
    const struct workload_bundle *bundle = names_bundle(source) ? workload_set_bundle(set, source) : NULL;
    const struct workload_svid *svid = names_bundle(source) ? NULL : workload_set_svid(set, source);
    bytes_init(out, TEXT_MAX);
    if (bundle == NULL && svid == NULL)
        return absent(set, source, err);
    int rc = bundle != NULL ? tls_svid_bundle_text(bytes_span(&bundle->ca), out)
                            : tls_svid_text(&(struct tls_svid){span_from_str(svid->id), bytes_span(&svid->chain), svid->key}, out);
    return rc == 0 ? 0 : no_memory(err);
}

/* ---- comparing ---- */

static bool same_bytes(const struct bytes *a, const struct bytes *b)
{
    return span_equals(bytes_span(a), bytes_span(b));
}

static bool same_svid(const struct workload_svid *a, const struct workload_svid *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->hint, b->hint) == 0 && same_bytes(&a->chain, &b->chain);
}

bool workload_set_equals(const struct workload_set *a, const struct workload_set *b)
{
    bool same = a->n_svids == b->n_svids && a->n_bundles == b->n_bundles;
    for (size_t i = 0; same && i < a->n_svids; i++)
        same = same_svid(&a->svids[i], &b->svids[i]);
    for (size_t i = 0; same && i < a->n_bundles; i++) { /* a map has no order */
        const struct workload_bundle *other = find_bundle(b, span_from_str(a->bundles[i].domain));
        same = other != NULL && same_bytes(&a->bundles[i].ca, &other->ca);
    }
    return same;
}
