/* SPDX-License-Identifier: Apache-2.0 */
/* E8: a renewal, while the n-th allocation fails, for every n: a step is done as a whole, or there is an error and nothing of it is left or written. */
#include "t.h"

#include "certs.h"
#include "failing.h"
#include "world.h"

#include "mtlsd/control/renewal.h"
#include "mtlsd/control/renewal_answer.h"
#include "mtlsd/keys/key_message.h"
#include "mtlsd/keys/key_service.h"
#include "mtlsd/tls/tls_csr.h"
#include "mtlsd/tls/tls_renewal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 20000 };

typedef bool (*attempt_fn)(void); /* it went well; else nothing is left of it. Without Check, whose assertions allocate. */

static void at_every_allocation(attempt_fn attempt, unsigned least)
{
    unsigned n = 0;
    for (bool failed = true; failed && n < MOST; n++) {
        failing_arm(n, false);
        bool good = attempt();
        failed = failing_disarm();
        ck_assert_msg(good || failed, "it fails without a reason");
    }
    ck_assert_uint_lt(n, MOST);
    ck_assert_uint_gt(n, least);
}

/* ---- the request and the answer ---- */

static struct certs ca, current, fresh;
static struct tls_identity *in_use;
static struct tls_signing_key *key;
static struct bytes pkcs7, json; /* answers */

static struct tls_identity *load(const struct certs *c)
{
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    struct tls_identity *id = tls_identity_new(
        &(struct tls_identity_spec){.name = "me", .certificate = c->pem, .certificate_file = "me.crt", .key = c->key_pem, .key_file = "me.key"}, CERTS_NOW, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    findings_clear(&notes);
    return id;
}

/* The certificate alone, in PKCS#7 without signatures, then in the JSON of step-ca. */
static void write_answers(void)
{
    static const uint8_t head[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02, 0xa0, 0x82};
    static const uint8_t inner[] = {0x02, 0x01, 0x01, 0x31, 0x00, 0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01, 0xa0, 0x82};
    struct bytes der;
    struct err err = {0};
    size_t n = fresh.der.len, signed_n = sizeof(inner) + 2 + n + 2, explicit_n = signed_n + 4, all_n = sizeof(head) + 2 + explicit_n;
    bytes_init(&der, 1 << 16);
    bytes_init(&pkcs7, 1 << 16);
    bytes_init(&json, 1 << 16);
    bytes_append(&der, (uint8_t[]){0x30, 0x82, (uint8_t)(all_n >> 8), (uint8_t)all_n}, 4);
    bytes_append(&der, head, sizeof(head));
    bytes_append(&der, (uint8_t[]){(uint8_t)(explicit_n >> 8), (uint8_t)explicit_n}, 2);
    bytes_append(&der, (uint8_t[]){0x30, 0x82, (uint8_t)(signed_n >> 8), (uint8_t)signed_n}, 4);
    bytes_append(&der, inner, sizeof(inner));
    bytes_append(&der, (uint8_t[]){(uint8_t)(n >> 8), (uint8_t)n}, 2);
    bytes_append_span(&der, fresh.der);
    bytes_append(&der, (uint8_t[]){0x31, 0x00}, 2);
    ck_assert_int_eq(tls_renewal_write_request(bytes_span(&der), false, &pkcs7, &err), 0); /* base64 */
    bytes_clear(&der);
    bytes_append_str(&json, "{\"crt\":\"");
    for (size_t i = 0; i < fresh.pem.len; i++)
        bytes_append(&json, fresh.pem.ptr[i] == '\n' ? (const void *)"\\n" : &fresh.pem.ptr[i], fresh.pem.ptr[i] == '\n' ? 2 : 1);
    bytes_append_str(&json, "\"}");
}

static void make(void)
{
    struct err err = {0};
    certs_make(&(struct certs_order){.cn = "CA", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "me", .sans = {"dns:a.example", "dns:b.example"}, .issuer = &ca}, &current);
    certs_make(&(struct certs_order){.cn = "me", .sans = {"dns:a.example", "dns:b.example"}, .issuer = &ca, .not_after = CERTS_NOW + 1000 * CERTS_DAY}, &fresh);
    in_use = load(&current);
    key = tls_signing_key_read(&(struct tls_key_source){.identity = "me", .text = fresh.key_pem, .file = "me.key"}, NULL, &err);
    ck_assert_ptr_nonnull(key);
    write_answers();
    failing_gnutls(true);
    failing_jansson(true);
}

static void drop(void)
{
    failing_jansson(false);
    failing_gnutls(false);
    bytes_clear(&pkcs7);
    bytes_clear(&json);
    tls_identity_unref(in_use);
    tls_signing_key_unref(key);
    certs_clear(&fresh);
    certs_clear(&current);
    certs_clear(&ca);
}

static bool ask(enum renewal_kind kind)
{
    struct bytes out = {0};
    struct err err = {0};
    bool good = renewal_answer_ask(&(struct renewal_question){kind, "ca.example", "/x", current.der}, &out, &err) == 0;
    assert(good == (err.kind == ERR_NONE) && good == (out.len > 0));
    bytes_clear(&out);
    return good;
}

static bool ask_est(void)
{
    return ask(RENEWAL_EST);
}

static bool ask_step(void)
{
    return ask(RENEWAL_STEP);
}

static bool take(enum renewal_kind kind)
{
    struct renewal_reply reply = {.status = 200, .body = kind == RENEWAL_EST ? pkcs7 : json};
    struct bytes pem, chain = {0};
    struct err err = {0};
    struct tls_identity *id = NULL;
    snprintf(reply.type, sizeof(reply.type), "%s", kind == RENEWAL_EST ? "application/pkcs7-mime" : "application/json");
    enum renewal_outcome outcome = renewal_answer_read(kind, &reply, &pem, &err);
    assert((outcome == RENEWAL_ANSWERED) == (pem.len > 0) && outcome != RENEWAL_LATER);
    if (outcome == RENEWAL_ANSWERED)
        id = tls_renewal_join(&(struct tls_renewal_answer){"me", bytes_span(&pem), key, in_use, CERTS_NOW}, &err);
    bool good = id != NULL && tls_renewal_write_chain(id, &chain, &err) == 0;
    assert(good == (err.kind == ERR_NONE) && (id == NULL || span_equals(tls_identity_der(id, 0), fresh.der)));
    assert(!good || memmem(chain.data, chain.len, "-----END CERTIFICATE-----", 25) != NULL);
    bytes_clear(&chain);
    bytes_clear(&pem);
    tls_identity_unref(id);
    return good;
}

static bool take_est(void)
{
    return take(RENEWAL_EST);
}

static bool take_step(void)
{
    return take(RENEWAL_STEP);
}

static const attempt_fn talks[] = {ask_est, ask_step, take_est, take_step};

START_TEST(a_request_and_an_answer_are_whole_or_an_error)
{
    at_every_allocation(talks[_i], 1);
}
END_TEST

/* ---- the key and the files ---- */

static struct world w;
static struct key_service *service;
static struct bytes answers;
static unsigned written;

static int write_pair(const struct key_pair *pair, struct err *err)
{
    (void)err;
    assert(memmem(pair->key.ptr, pair->key.len, "-----END PRIVATE KEY-----", 25) != NULL);
    written++;
    return 0;
}

static bool is_unfinished(const char *key_path, const char *certificate_path, char *waiting, size_t size)
{
    (void)key_path, (void)certificate_path, (void)waiting, (void)size;
    return false;
}

static int finish(const char *certificate_path, struct err *err)
{
    (void)certificate_path, (void)err;
    return -1;
}

static const struct key_pair_files pairs = {write_pair, is_unfinished, finish};

static void make_keys(void)
{
    world_make(&w);
    bytes_init(&answers, KEY_ANSWER_MAX);
    service = key_service_new(&(struct key_service_order){.files = memory_files_source(&w.files), .pairs = &pairs});
    ck_assert_ptr_nonnull(service);
    written = 0; /* GnuTLS 3.7 itself leaks when a key cannot be made: its own allocations do not fail here */
}

static void drop_keys(void)
{
    key_service_free(service);
    bytes_clear(&answers);
    world_clear(&w);
}

static const struct key_request renew = {.kind = KEY_RENEW, .set = 9, .name = {(const uint8_t *)"me", 2}, .key_path = {(const uint8_t *)"/etc/server.pem", 15}};

static bool talk(const struct key_request *request, struct key_answer *answer, struct identity_files *files)
{
    static uint8_t message[1 << 16];
    struct bytes out;
    uint32_t number;
    size_t used;
    struct span got;
    bytes_init(&out, sizeof(message));
    bool sent = key_message_request(&out, 7, request) == 0 && out.len <= sizeof(message);
    if (sent)
        memcpy(message, out.data, out.len);
    size_t n = out.len;
    bytes_clear(&out);
    bytes_clear(&answers);
    bytes_init(&answers, KEY_ANSWER_MAX);
    return sent && key_service_answer(service, 7, span_skip(span_of(message, n), KEY_HEAD_BYTES), &answers) == 0 &&
           key_message_frame(bytes_span(&answers), KEY_ANSWER_MAX, &number, &got, &used) == 1 && key_message_read_answer(got, answer, files) == 0;
}

static bool make_a_key(void)
{
    struct identity_files files = {0};
    struct key_answer answer = {.fine = false}, released;
    bool good = talk(&renew, &answer, &files) && answer.fine;
    assert(!good || (answer.has_key && files.key.text.len > 0));
    identity_files_clear(&files);
    failing_disarm();
    assert(talk(&(struct key_request){.kind = KEY_RELEASE, .set = 9}, &released, NULL) && released.fine);
    return good;
}

/* With memory: a key, and the certificate that a CA gives for its request. */
static uint64_t prepare(struct bytes *chain)
{
    struct identity_files files = {0};
    struct key_answer answer;
    struct bytes request;
    struct err err = {0};
    ck_assert(talk(&renew, &answer, &files) && answer.fine);
    bytes_init(&request, 1 << 16);
    ck_assert_int_eq(tls_renewal_write_request(bytes_span(&files.key.text), true, &request, &err), 0);
    struct tls_csr *csr = tls_csr_read("request", bytes_span(&request), &err);
    ck_assert_msg(csr != NULL && tls_csr_read_names(csr, &err) == 0, "%s", err.text);
    const struct tls_csr_grant grant = {.server = true, .not_before = WORLD_NOW, .not_after = WORLD_NOW + WORLD_DAY, .serial = 9};
    ck_assert_msg(tls_csr_sign(csr, bytes_span(&w.clients_ca.certificate), bytes_span(&w.clients_ca.key), &grant, chain, &err) == 0, "%s", err.text);
    tls_csr_free(csr);
    bytes_clear(&request);
    identity_files_clear(&files);
    return answer.key;
}

START_TEST(a_new_key_is_made_with_its_request_or_not_at_all)
{
    at_every_allocation(make_a_key, 10);
}
END_TEST

START_TEST(a_pair_is_written_once_or_there_is_an_error)
{
    unsigned n = 0;
    for (bool failed = true; failed && n < MOST; n++) {
        struct key_answer answer = {.fine = false}, released;
        struct bytes chain;
        unsigned before = written;
        uint64_t key_of_it = prepare(&chain);
        failing_arm(n, false);
        bool good = talk(&(struct key_request){.kind = KEY_WRITE, .key = key_of_it, .certificate = bytes_span(&chain)}, &answer, NULL) && answer.fine;
        failed = failing_disarm();
        ck_assert_msg(good || failed, "%s", answer.err.text);
        ck_assert_msg(written == before + good || (failed && written == before + 1), "%u: written %u times", n, written - before); /* the answer may be lost */
        ck_assert(talk(&(struct key_request){.kind = KEY_RELEASE, .set = 9}, &released, NULL) && released.fine);
        bytes_clear(&chain);
    }
    ck_assert_uint_gt(n, 5);
    ck_assert_uint_lt(n, MOST);
}
END_TEST

/* ---- the plan ---- */

static struct snapshot *loaded;
static struct renewal plan;

static bool follow(void)
{
    struct renewal before = plan;
    bool good = renewal_follow(&plan, loaded, WORLD_NOW, 1) == 0;
    assert(plan.n == 1 && plan.items[0].due != 0 && (good || memcmp(&before, &plan, sizeof(plan)) == 0));
    return good;
}

START_TEST(a_plan_is_followed_or_stays_as_it_was)
{
    struct findings findings;
    findings_init(&findings);
    world_make(&w);
    world_edit(&w, "/etc/payments.pem\";", "/etc/payments.pem\"; renew = { est = \"https://ca.example\"; trust = \"partner\"; };");
    loaded = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(loaded);
    ck_assert_int_eq(renewal_follow(&plan, loaded, WORLD_NOW, 1), 0);
    at_every_allocation(follow, 2);
    renewal_clear(&plan);
    snapshot_unref(loaded);
    findings_clear(&findings);
    world_clear(&w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_renewal");
    TCase *t = tcase_create("talk");
    tcase_add_checked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_request_and_an_answer_are_whole_or_an_error, 0, sizeof(talks) / sizeof(talks[0]));
    suite_add_tcase(s, t);
    TCase *k = tcase_create("keys");
    tcase_add_checked_fixture(k, make_keys, drop_keys);
    tcase_add_test(k, a_new_key_is_made_with_its_request_or_not_at_all);
    tcase_add_test(k, a_pair_is_written_once_or_there_is_an_error);
    suite_add_tcase(s, k);
    TCase *p = tcase_create("plan");
    tcase_add_test(p, a_plan_is_followed_or_stays_as_it_was);
    suite_add_tcase(s, p);
    return s;
}
