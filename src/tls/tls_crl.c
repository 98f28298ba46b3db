/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl.h"

#include "mtlsd/base/text.h"
#include "tls_crl_seal.h"
#include "tls_pem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DIGEST_TEXT = 65,
    MAX_HASHED_LATER = 1 << 20, /* bytes that a handshake may have to hash: some milliseconds */
};

/* The serials of one list: the bytes one after the other, each behind its length, and a table of where each
 * begins (0: free slot). */
struct serials {
    uint8_t *bytes;
    uint32_t *slots;
    size_t n, n_bytes, n_slots; /* n_slots is a power of two */
};

struct list {
    char *file;
    uint8_t *der; /* what it was read from; kept where the seal needs it and the key that signed it is not known for good, else NULL */
    struct tls_crl_seal seal; /* borrows der */
    uint8_t *issuer;          /* Name, owned */
    size_t issuer_len;
    int64_t this_update, next_update;
    uint8_t number[TLS_CRL_NUMBER_BYTES];
    size_t number_len; /* 0: it has none */
    char sha256[DIGEST_TEXT];
    struct serials serials;
    /* SHA-256 of the public key that was found to have signed it, as text; NULL until then. A list of an
     * intermediate meets its issuer only in a handshake, on any thread; the first one to verify it leaves the
     * result here. */
    _Atomic(char *) signer;
};

struct tls_crl_index {
    struct list **lists;
    size_t n;
};

static uint64_t hash(struct span s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ s.ptr[i]) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* Where this serial stands, or the free slot where it would. */
static uint32_t *slot_of(const struct serials *s, struct span serial, uint64_t h)
{
    size_t i = h & (s->n_slots - 1);
    while (s->slots[i] != 0) {
        const uint8_t *at = s->bytes + s->slots[i];
        if (span_equals(span_of(at + 1, at[0]), serial))
            break;
        i = (i + 1) & (s->n_slots - 1);
    }
    return &s->slots[i];
}

static bool serials_have(const struct serials *s, struct span serial)
{
    return s->n_slots > 0 && *slot_of(s, serial, hash(serial)) != 0;
}

/* Counts entries and the bytes they need, so that both tables are made once. -1: a serial beyond reason, or
 * too many to address. */
static int measure(struct span entries, size_t *n, size_t *bytes)
{
    struct span serial;
    *n = 0;
    *bytes = 1; /* offset 0 means free */
    while (entries.len > 0) {
        if (tls_crl_next_entry(&entries, &serial) != 0 || serial.len > TLS_CERT_MAX_SERIAL_BYTES)
            return -1;
        *n += 1;
        *bytes += serial.len + 1;
    }
    return *bytes < UINT32_MAX ? 0 : -1;
}

/* The n entries, which were measured before. The slots are spread over more memory than a cache holds: each is asked for some entries before
 * it is needed. */
static void serials_put_all(struct serials *s, struct span entries, size_t n)
{
    enum { AHEAD = 16 };
    struct {
        struct span serial;
        uint64_t hash;
    } waiting[AHEAD] = {{{0}, 0}};
    size_t at = 1;
    for (size_t put = 0, taken = 0; put < n; put++) {
        for (; taken < n && taken - put < AHEAD; taken++) {
            struct span serial = {0};
            if (tls_crl_next_entry(&entries, &serial) != 0)
                return;
            waiting[taken % AHEAD].serial = serial;
            waiting[taken % AHEAD].hash = hash(serial);
            __builtin_prefetch(&s->slots[waiting[taken % AHEAD].hash & (s->n_slots - 1)], 1);
        }
        struct span serial = waiting[put % AHEAD].serial;
        uint32_t *slot = slot_of(s, serial, waiting[put % AHEAD].hash);
        if (*slot != 0)
            continue;
        *slot = (uint32_t)at;
        s->bytes[at] = (uint8_t)serial.len;
        memcpy(s->bytes + at + 1, serial.ptr, serial.len);
        at += serial.len + 1;
        s->n++;
    }
}

static int serials_fill(struct serials *s, struct span entries, const char *place, struct err *err)
{
    size_t n, size;
    if (measure(entries, &n, &size) != 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: a serial number in the revocation list is longer than %d bytes", place,
                       TLS_CERT_MAX_SERIAL_BYTES);
    s->n_slots = 2;
    while (s->n_slots < n * 3 / 2)
        s->n_slots *= 2;
    s->n_bytes = size;
    s->bytes = malloc(size);
    s->slots = calloc(s->n_slots, sizeof(*s->slots));
    if (s->bytes == NULL || s->slots == NULL)
        return err_set(err, ERR_MEMORY, "%s: out of memory for %zu revoked serials", place, n);
    serials_put_all(s, entries, n);
    return 0;
}

static void list_free(struct list *list)
{
    if (list == NULL)
        return;
    free(list->file);
    free(list->der);
    free(list->issuer);
    free(list->serials.bytes);
    free(list->serials.slots);
    free(atomic_load(&list->signer));
    free(list);
}

static char *key_digest(const struct tls_cert *issuer)
{
    char *digest = malloc(DIGEST_TEXT);
    if (digest != NULL)
        tls_cert_sha256(issuer->spki, digest);
    return digest;
}

/* Finds the anchor that signed the list. 1: found; 0: no anchor has that name; -1: one has, but it did not
 * sign this. */
static int find_signer(struct list *list, const struct tls_crl_source *source, const char *place,
                       struct err *err)
{
    bool named = false;
    struct span name = span_of(list->issuer, list->issuer_len);
    for (size_t i = 0; i < source->n_anchors; i++) {
        const struct tls_anchor *anchor = &source->anchors[i];
        if (!span_equals(anchor->cert.subject, name))
            continue;
        named = true;
        if (!tls_crl_seal_is_of(&list->seal, anchor->crt))
            continue;
        char *digest = key_digest(&anchor->cert);
        if (digest == NULL)
            return err_set(err, ERR_MEMORY, "out of memory");
        atomic_store(&list->signer, digest);
        return 1;
    }
    if (!named)
        return 0;
    char issuer[160];
    tls_cert_name_text(name, issuer, sizeof(issuer));
    return err_set(err, ERR_CREDENTIAL,
                   "%s: the revocation list names %s as its issuer, but was not signed by that CA's key. Or that CA may not sign lists "
                   "(keyUsage without cRLSign)",
                   place, issuer);
}

/* Frees the bytes if the seal does not need them. A list that each handshake would have to hash must not be long: any client could make us hash it
 * again and again. */
static int keep_for_later(struct list *list, const struct tls_crl_source *source, bool known, const char *place, struct err *err)
{
    if (!known && source->fetched)
        return err_set(err, ERR_CREDENTIAL, "%s: the issuer of this revocation list is not a trusted CA", place);
    if (!known && tls_crl_seal_needs_list(&list->seal)) {
        if (list->seal.list.len <= MAX_HASHED_LATER)
            return 0;
        return err_set(err, ERR_CREDENTIAL,
                       "%s: the revocation list is longer than %d KiB and signed with EdDSA by an intermediate CA, so that each handshake would check it in "
                       "full: sign it with ECDSA or RSA, or trust that CA itself",
                       place, MAX_HASHED_LATER / 1024);
    }
    list->seal.list = (struct span){0};
    free(list->der);
    list->der = NULL;
    return 0;
}

static void note_state(const struct list *list, const char *place, bool known,
                       const struct tls_crl_source *source, struct findings *notes)
{
    char issuer[160], when[21];
    tls_cert_name_text(span_of(list->issuer, list->issuer_len), issuer, sizeof(issuer));
    if (!known)
        findings_add(notes, FINDING_WARNING, place,
                     "the issuer of this revocation list (%s) is not a trusted CA; it is used only "
                     "for an intermediate with that name",
                     issuer);
    if (source->now > list->next_update) {
        text_utc(when, list->next_update);
        findings_add(notes, FINDING_WARNING, place, "the revocation list of %s is stale since %s: get the newer list from that CA (openssl ca -gencrl), or set "
                     "crl_grace; where a list is required, certificates of that CA are refused", issuer,
                     when);
    } else if (source->now < list->this_update) {
        text_utc(when, list->this_update);
        findings_add(notes, FINDING_WARNING, place, "the revocation list of %s is not valid before %s",
                     issuer, when);
    }
}

static int fill_list(struct list *list, const struct tls_crl_source *source, struct span der, const char *place, struct err *err)
{
    struct tls_crl_parsed parsed;
    if (tls_crl_parse(der, place, &parsed, err) != 0)
        return -1;
    if (tls_crl_seal_make(&parsed, &list->seal) != 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: the revocation list is signed with an algorithm that is too weak or not known",
                       place);
    list->this_update = parsed.this_update;
    list->next_update = parsed.next_update;
    tls_cert_sha256(der, list->sha256);
    list->number_len = parsed.number.len;
    if (list->number_len > 0)
        memcpy(list->number, parsed.number.ptr, list->number_len);
    list->issuer_len = parsed.issuer.len;
    list->issuer = malloc(list->issuer_len);
    list->file = span_dup(span_from_str(source->file->name));
    if (list->issuer == NULL || list->file == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    memcpy(list->issuer, parsed.issuer.ptr, list->issuer_len);
    return serials_fill(&list->serials, parsed.entries, place, err);
}

/* Takes der, also when it fails. */
static int add_list(struct tls_crl_index *index, const struct tls_crl_source *source, struct span der,
                    const char *place, struct findings *notes, struct err *err)
{
    struct list *list = calloc(1, sizeof(*list));
    struct list **more = realloc(index->lists, (index->n + 1) * sizeof(struct list *));
    if (more != NULL)
        index->lists = more;
    if (list == NULL || more == NULL) {
        free(list);
        free((void *)(uintptr_t)der.ptr);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    list->der = (uint8_t *)(uintptr_t)der.ptr;
    int known = fill_list(list, source, der, place, err) == 0 ? find_signer(list, source, place, err) : -1;
    if (known < 0 || keep_for_later(list, source, known == 1, place, err) != 0) {
        list_free(list);
        return -1;
    }
    if (source->fetched && source->now < list->this_update) { /* of a clock that runs ahead: it would take the place of a good one */
        char when[21];
        text_utc(when, list->this_update);
        list_free(list);
        return err_set(err, ERR_CREDENTIAL, "%s: the revocation list is not valid before %s", place, when);
    }
    note_state(list, place, known == 1, source, notes);
    index->lists[index->n++] = list;
    return 0;
}

static int add_der(struct tls_crl_index *index, const struct tls_crl_source *source, struct findings *notes,
                   struct err *err)
{
    struct span text = source->file->text;
    uint8_t *copy = malloc(text.len);
    if (copy == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    memcpy(copy, text.ptr, text.len);
    return add_list(index, source, span_of(copy, text.len), source->file->name, notes, err);
}

static int add_pem(struct tls_crl_index *index, const struct tls_crl_source *source, struct findings *notes,
                   struct err *err)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    const char *file = source->file->name;
    size_t before = index->n;
    if (tls_pem_plausible(file, source->file->text, "revocation lists", err) != 0)
        return -1;
    tls_pem_start(&r, file, source->file->text);
    int more;
    while ((more = tls_pem_next(&r, &block, err)) == 1) {
        char place[300];
        struct span der;
        snprintf(place, sizeof(place), "%s:%zu", file, block.line);
        if (!span_equals_str(block.label, "X509 CRL"))
            return tls_pem_refuse(&r, &block, "a file of revocation lists", err);
        if (tls_pem_decode(&r, &block, &der, err) != 0 ||
            add_list(index, source, der, place, notes, err) != 0)
            return -1;
    }
    if (more == 0 && index->n == before)
        return err_set(err, ERR_CREDENTIAL, "%s: no revocation list in it", file);
    return more;
}

int tls_crl_add(struct tls_crl_index *index, const struct tls_crl_source *source, struct findings *notes,
                struct err *err)
{
    struct span text = source->file->text;
    bool is_der = text.len >= 2 && text.ptr[0] == 0x30 && text.ptr[1] >= 0x80;
    return is_der ? add_der(index, source, notes, err) : add_pem(index, source, notes, err);
}

struct tls_crl_index *tls_crl_index_new(void)
{
    return calloc(1, sizeof(struct tls_crl_index));
}

void tls_crl_index_free(struct tls_crl_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->n; i++)
        list_free(index->lists[i]);
    free(index->lists);
    free(index);
}

/* A CA that was given a new key under the old name has lists of both; each is believed for its own key only.
 */
static enum tls_crl_seal_maker maker_of(struct list *list, const struct tls_cert *issuer, gnutls_x509_crt_t issuer_crt)
{
    char digest[DIGEST_TEXT];
    if (!span_equals(span_of(list->issuer, list->issuer_len), issuer->subject))
        return TLS_CRL_SEAL_OTHER;
    tls_cert_sha256(issuer->spki, digest);
    const char *signer = atomic_load(&list->signer);
    if (signer != NULL)
        return memcmp(signer, digest, sizeof(digest)) == 0 ? TLS_CRL_SEAL_OURS : TLS_CRL_SEAL_OTHER;
    enum tls_crl_seal_maker maker = tls_crl_seal_maker(&list->seal, issuer_crt);
    if (maker != TLS_CRL_SEAL_OURS)
        return maker;
    char *mine = key_digest(issuer);
    char *expected = NULL;
    if (mine != NULL && !atomic_compare_exchange_strong(&list->signer, &expected, mine))
        free(mine);
    return TLS_CRL_SEAL_OURS;
}

/* Below 0: a is older than b. The number decides where both have one (RFC 5280 5.2.3), else the time of issue. */
static int compare_age(const struct list *a, const struct list *b)
{
    if (a->number_len > 0 && b->number_len > 0) {
        int order = a->number_len != b->number_len ? (a->number_len < b->number_len ? -1 : 1) : memcmp(a->number, b->number, a->number_len);
        if (order != 0)
            return order;
    }
    return (a->this_update > b->this_update) - (a->this_update < b->this_update);
}

/* *untold: a newer one may be there, and memory was lacking to tell. */
static struct list *newest_of(const struct tls_crl_index *index, const struct tls_cert *issuer, gnutls_x509_crt_t issuer_crt, bool *untold)
{
    struct list *newest = NULL;
    *untold = false;
    for (size_t i = 0; i < index->n; i++) {
        struct list *list = index->lists[i];
        if (newest != NULL && compare_age(list, newest) <= 0)
            continue;
        enum tls_crl_seal_maker maker = maker_of(list, issuer, issuer_crt);
        *untold = *untold || maker == TLS_CRL_SEAL_UNTOLD;
        if (maker == TLS_CRL_SEAL_OURS)
            newest = list;
    }
    return newest;
}

void tls_crl_look_up(const struct tls_crl_index *index, const struct tls_cert *issuer,
                     gnutls_x509_crt_t issuer_crt, struct span serial, struct tls_crl_answer *out)
{
    *out = (struct tls_crl_answer){0};
    const struct list *newest = newest_of(index, issuer, issuer_crt, &out->untold);
    if (newest == NULL || out->untold)
        return;
    *out = (struct tls_crl_answer){
        .covered = true,
        .revoked = serials_have(&newest->serials, tls_cert_serial_digits(serial)),
        .this_update = newest->this_update,
        .next_update = newest->next_update,
        .file = newest->file,
    };
}

bool tls_crl_covers(const struct tls_crl_index *index, const struct tls_anchor *issuer, struct tls_crl_coverage *out)
{
    bool untold;
    const struct list *newest = newest_of(index, &issuer->cert, issuer->crt, &untold);
    if (newest == NULL)
        return false;
    *out = (struct tls_crl_coverage){newest->this_update, newest->next_update, newest->serials.n, newest->file};
    return true;
}

/* Lists of intermediates may not know yet whose key signed them; one of the same name then has to do. */
static bool may_succeed(const struct list *fresh, const struct list *old)
{
    const char *new_signer = atomic_load(&fresh->signer), *old_signer = atomic_load(&old->signer);
    return span_equals(span_of(fresh->issuer, fresh->issuer_len), span_of(old->issuer, old->issuer_len)) &&
           (new_signer == NULL || old_signer == NULL || strcmp(new_signer, old_signer) == 0);
}

int tls_crl_check_succession(const struct tls_crl_index *old, const struct tls_crl_index *fresh, struct err *err)
{
    for (size_t i = 0; i < old->n; i++) {
        const struct list *newest = NULL;
        for (size_t k = 0; k < fresh->n; k++)
            if (may_succeed(fresh->lists[k], old->lists[i]) && (newest == NULL || compare_age(fresh->lists[k], newest) > 0))
                newest = fresh->lists[k];
        char issuer[160];
        tls_cert_name_text(span_of(old->lists[i]->issuer, old->lists[i]->issuer_len), issuer, sizeof(issuer));
        if (newest == NULL)
            return err_set(err, ERR_CREDENTIAL, "%s: there is no revocation list of %s any more", old->lists[i]->file, issuer);
        if (compare_age(newest, old->lists[i]) < 0)
            return err_set(err, ERR_CREDENTIAL, "%s: the revocation list of %s is older than the one in use", newest->file, issuer);
    }
    return 0;
}

bool tls_crl_same(const struct tls_crl_index *a, const struct tls_crl_index *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->lists[i]->sha256, b->lists[i]->sha256) != 0)
            return false;
    return true;
}

void tls_crl_totals(const struct tls_crl_index *index, struct tls_crl_totals *out)
{
    *out = (struct tls_crl_totals){.lists = index->n};
    for (size_t i = 0; i < index->n; i++) {
        const struct list *list = index->lists[i];
        out->revoked += list->serials.n;
        out->bytes += list->serials.n_bytes + list->serials.n_slots * sizeof(*list->serials.slots);
        if (out->first_next_update == 0 || list->next_update < out->first_next_update)
            out->first_next_update = list->next_update;
    }
}

int64_t tls_crl_ends(const struct tls_crl_index *index, const char *file)
{
    int64_t end = 0;
    for (size_t i = 0; i < index->n; i++)
        if (strcmp(index->lists[i]->file, file) == 0 && (end == 0 || index->lists[i]->next_update < end))
            end = index->lists[i]->next_update;
    return end;
}
