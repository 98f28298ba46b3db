/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_drill.h"

#include "tls_maker.h"

#include <assert.h>
#include <string.h>

#define DAY ((int64_t)86400)
#define CODE_SIGNING "1.3.6.1.5.5.7.3.3"

enum { CHAIN_MAX = 12, LONG_CHAIN = 9, PEM_MAX = 256 * 1024 };

struct shape {
    struct tls_maker_shape is;
    int from_day, until_day; /* 0, 0: yesterday until in a week */
};

enum twist {
    AS_IT_IS,
    NOTHING,        /* no certificate at all */
    SELF_SIGNED,
    FALSE_CA,       /* the CA's name, another key */
    OTHER_CA,
    NOT_SENT,       /* the intermediate stays at home */
    FALSE_SENT,     /* one of the same name and another key is sent instead */
    BROKEN,         /* a bit of the signature is flipped */
    STOLEN,         /* without its key */
};

struct recipe {
    struct tls_drill_kind kind;
    enum twist twist;
    size_t n_mids; /* intermediates; mids[0] is next to the root, missing ones are good */
    struct shape mids[2];
    struct shape leaf;
};

static const struct recipe recipes[] = {
    {.kind = {"good", "nothing: it must be accepted", REASON_VALID, false}},
    {.kind = {"good-intermediate", "nothing, issued by an intermediate", REASON_VALID, true}, .n_mids = 1},
    {.kind = {"none", "no certificate at all", REASON_NONE, false}, .twist = NOTHING},
    {.kind = {"expired", "it expired yesterday", REASON_EXPIRED, false}, .leaf = {.from_day = -30, .until_day = -1}},
    {.kind = {"not-yet-valid", "it begins tomorrow", REASON_NOT_YET_VALID, false}, .leaf = {.from_day = 1, .until_day = 30}},
    {.kind = {"server-only", "for servers only", REASON_WRONG_PURPOSE, false}, .leaf = {.is.purposes = {GNUTLS_KP_TLS_WWW_SERVER}}},
    {.kind = {"code-signing", "for code signing only", REASON_WRONG_PURPOSE, false}, .leaf = {.is.purposes = {CODE_SIGNING}}},
    {.kind = {"any-purpose", "for \"any purpose\"", REASON_WRONG_PURPOSE, false}, .leaf = {.is.purposes = {GNUTLS_KP_ANY}}},
    {.kind = {"self-signed", "signed by itself", REASON_UNKNOWN_CA, false}, .twist = SELF_SIGNED},
    {.kind = {"false-ca", "a CA of the same name, another key", REASON_UNKNOWN_CA, false}, .twist = FALSE_CA},
    {.kind = {"other-ca", "an untrusted CA", REASON_UNKNOWN_CA, false}, .twist = OTHER_CA},
    {.kind = {"false-ca-expired", "a false CA, and expired too", REASON_UNKNOWN_CA, false}, .twist = FALSE_CA, .leaf = {.from_day = -30, .until_day = -1}},
    {.kind = {"weak-key", "RSA with 1024 bits", REASON_WEAK, false}, .leaf = {.is.weak = true}},
    {.kind = {"sha1", "signed with SHA-1", REASON_WEAK, false}, .leaf = {.is.sha1 = true}},
    {.kind = {"is-ca", "itself a CA", REASON_CONSTRAINT, false}, .leaf = {.is.says_ca = true}},
    {.kind = {"unknown-critical", "an unknown critical extension", REASON_CONSTRAINT, false}, .leaf = {.is.unknown_critical = true}},
    {.kind = {"broken-signature", "one bit of its signature flipped", REASON_UNKNOWN_CA, false}, .twist = BROKEN},
    {.kind = {"stolen", "another client's certificate without its key", REASON_TLS_FAILED, false}, .twist = STOLEN},
    {.kind = {"issued-by-a-leaf", "issued by a certificate that is no CA", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.is.says_no_ca = true}}},
    {.kind = {"issued-without-right", "issued by a CA that may not sign certificates", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.is.usage_wrong = true}}},
    {.kind = {"path-too-long", "one CA more than its CA allowed", REASON_CONSTRAINT, false}, .n_mids = 2, .mids = {{.is.path_length_0 = true}}},
    {.kind = {"chain-too-long", "nine intermediates", REASON_CONSTRAINT, false}, .n_mids = LONG_CHAIN},
    {.kind = {"expired-intermediate", "its intermediate expired", REASON_EXPIRED, false}, .n_mids = 1, .mids = {{.from_day = -30, .until_day = -1}}},
    {.kind = {"future-intermediate", "its intermediate begins tomorrow", REASON_NOT_YET_VALID, false}, .n_mids = 1, .mids = {{.from_day = 1, .until_day = 30}}},
    {.kind = {"server-intermediate", "its intermediate is for servers only", REASON_WRONG_PURPOSE, false}, .n_mids = 1, .mids = {{.is.purposes = {GNUTLS_KP_TLS_WWW_SERVER}}}},
    {.kind = {"weak-intermediate", "its intermediate has RSA with 1024 bits", REASON_WEAK, false}, .n_mids = 1, .mids = {{.is.weak = true}}},
    {.kind = {"sha1-intermediate", "its intermediate is signed with SHA-1", REASON_WEAK, false}, .n_mids = 1, .mids = {{.is.sha1 = true}}},
    {.kind = {"missing-intermediate", "its intermediate is not sent", REASON_UNKNOWN_CA, false}, .twist = NOT_SENT, .n_mids = 1},
    {.kind = {"false-intermediate", "another intermediate of the same name is sent", REASON_UNKNOWN_CA, false}, .twist = FALSE_SENT, .n_mids = 1},
    {.kind = {"outside-permitted", "outside the names its CA may issue", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.is.permitted = "permitted.drill.invalid"}}},
    {.kind = {"inside-excluded", "inside the names its CA must not issue", REASON_CONSTRAINT, false}, .n_mids = 1, .mids = {{.is.excluded = "excluded.drill.invalid"}}},
};
enum { N_RECIPES = sizeof(recipes) / sizeof(recipes[0]) };

const struct tls_drill_kind *tls_drill_kind(size_t i)
{
    return i < N_RECIPES ? &recipes[i].kind : NULL;
}

/* ---- one certificate ---- */

struct bench { /* what is being worked on */
    const struct tls_drill_order *order;
    const struct recipe *recipe;
    struct tls_maker root, mids[CHAIN_MAX], leaf, stranger;
    size_t n_mids;
    uint64_t serial;
    struct err *err;
};

/* Begins a certificate of this shape, still without a name. */
static int begin(struct bench *b, struct tls_maker *m, const struct shape *s, bool ca)
{
    int64_t from = s->from_day != 0 ? s->from_day : -1, until = s->until_day != 0 ? s->until_day : 7;
    struct tls_maker_shape shape = s->is;
    shape.ca = ca;
    return tls_maker_begin(m, &shape, (struct tls_maker_dates){b->order->now + from * DAY, b->order->now + until * DAY}, ++b->serial, b->err);
}

static int make_ca(struct bench *b, struct tls_maker *m, const struct tls_maker *issuer, const struct shape *s, const char *cn)
{
    return begin(b, m, s, true) == 0 && tls_maker_cn(m, cn, b->err) == 0 ? tls_maker_sign(m, issuer, s->is.sha1, b->err) : -1;
}

/* ---- the chain ---- */

static const struct shape plain;

static int open_root(struct bench *b)
{
    const struct tls_drill_order *o = b->order;
    if (b->recipe->twist == OTHER_CA)
        return make_ca(b, &b->root, &b->root, &plain, "unknown CA");
    return tls_maker_import(&b->root, o->ca_cert, b->recipe->twist == FALSE_CA ? (struct span){0} : o->ca_key, b->err);
}

static int make_mids(struct bench *b)
{
    for (; b->n_mids < b->recipe->n_mids; b->n_mids++) {
        size_t i = b->n_mids;
        char cn[] = "drill intermediate 0";
        cn[sizeof(cn) - 2] = (char)('0' + i);
        if (make_ca(b, &b->mids[i], i > 0 ? &b->mids[i - 1] : &b->root, i < 2 ? &b->recipe->mids[i] : &plain, cn) != 0)
            return -1;
    }
    return 0;
}

static int name_leaf(struct bench *b)
{
    const struct tls_drill_order *o = b->order;
    const struct tls_maker_shape *mid = &b->recipe->mids[0].is;
    if (tls_maker_name(&b->leaf, &(struct tls_maker_names){o->cn, o->ou, o->o, o->sans, o->n_sans}, b->err) != 0)
        return -1;
    if (mid->permitted != NULL)
        return tls_maker_san(&b->leaf, "dns:elsewhere.drill.invalid", b->err);
    return mid->excluded != NULL ? tls_maker_san(&b->leaf, "dns:excluded.drill.invalid", b->err) : 0;
}

static int make_leaf(struct bench *b)
{
    const struct shape *s = &b->recipe->leaf;
    const struct tls_maker *issuer = b->n_mids > 0 ? &b->mids[b->n_mids - 1] : &b->root;
    if (begin(b, &b->leaf, s, false) != 0 || name_leaf(b) != 0)
        return -1;
    return tls_maker_sign(&b->leaf, b->recipe->twist == SELF_SIGNED ? &b->leaf : issuer, s->is.sha1, b->err);
}

/* Another intermediate under the same name, which did not sign the leaf. */
static int swap_mid(struct bench *b)
{
    tls_maker_clear(&b->mids[0]);
    return make_ca(b, &b->mids[0], &b->root, &plain, "drill intermediate 0");
}

/* ---- to an identity ---- */

static int write_bundle(struct bench *b, struct bytes *out)
{
    enum twist twist = b->recipe->twist;
    if (tls_maker_append_certificate(&b->leaf, twist == BROKEN, out, b->err) != 0)
        return -1;
    for (size_t i = twist == NOT_SENT ? 0 : b->n_mids; i > 0; i--)
        if (tls_maker_append_certificate(&b->mids[i - 1], false, out, b->err) != 0)
            return -1;
    if (twist != STOLEN)
        return tls_maker_append_key(&b->leaf, out, b->err);
    if (tls_maker_init(&b->stranger, b->err) != 0 || tls_maker_key(&b->stranger, false, b->err) != 0)
        return -1;
    return tls_maker_append_key(&b->stranger, out, b->err);
}

static int make_all(struct bench *b, struct bytes *bundle)
{
    if (open_root(b) != 0 || make_mids(b) != 0 || make_leaf(b) != 0)
        return -1;
    if (b->recipe->twist == FALSE_SENT && swap_mid(b) != 0)
        return -1;
    return write_bundle(b, bundle);
}

static void clear(struct bench *b)
{
    tls_maker_clear(&b->root);
    for (size_t i = 0; i < CHAIN_MAX; i++)
        tls_maker_clear(&b->mids[i]);
    tls_maker_clear(&b->leaf);
    tls_maker_clear(&b->stranger);
}

struct tls_identity *tls_drill_make(size_t i, const struct tls_drill_order *order, bool *none, struct err *err)
{
    assert(i < N_RECIPES);
    struct bench b = {.order = order, .recipe = &recipes[i], .serial = (uint64_t)order->now, .err = err};
    struct tls_identity *identity = NULL;
    struct bytes bundle;
    *none = recipes[i].twist == NOTHING;
    if (*none)
        return NULL;
    bytes_init(&bundle, PEM_MAX);
    if (make_all(&b, &bundle) == 0) {
        struct findings notes;
        findings_init(&notes);
        struct tls_identity_spec spec = {.name = recipes[i].kind.word, .certificate = bytes_span(&bundle), .key = bytes_span(&bundle),
                                         .certificate_file = recipes[i].kind.word, .unchecked = true};
        identity = tls_identity_new(&spec, order->now, &notes, err);
        findings_clear(&notes);
    }
    bytes_wipe(&bundle);
    clear(&b);
    return identity;
}
