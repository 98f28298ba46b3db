/* SPDX-License-Identifier: Apache-2.0 */
/* E4 */
#include "t.h"
#include "world.h"

#include "mtlsd/keys/key_message.h"
#include "mtlsd/keys/key_service.h"
#include "mtlsd/tls/tls_pki.h"

#include <string.h>

static struct world w;
static struct key_service *service;
static struct locks { int change, own, share; unsigned changes, shared; bool becomes; } locks;

/* Own and share keep out each other. */
static void change(void *ctx, bool begin)
{
    struct locks *l = ctx;
    l->change += begin ? 1 : -1;
    ck_assert_int_le(l->change, 1);
    l->changes += begin;
}

static void own(void *ctx, bool begin)
{
    struct locks *l = ctx;
    l->own += begin ? 1 : -1;
    ck_assert_int_eq(l->share, 0);
}

static void share(void *ctx, bool begin)
{
    struct locks *l = ctx;
    l->share += begin ? 1 : -1;
    l->shared++;
    ck_assert_int_eq(l->own, 0);
}

static int become(void *ctx, struct err *err)
{
    const struct locks *l = ctx;
    return l->becomes ? 0 : err_set(err, ERR_IO, "no such user");
}

static int64_t now(void)
{
    return 1800000000;
}

static int (*read_file)(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err);
static uint32_t released; /* a set, during a read; 0: none */

static void ask(const struct key_request *request, struct key_answer *answer, struct identity_files *files);

static int read_and_release(void *ctx, const char *path, struct bytes *out, struct file_facts *facts, struct err *err)
{
    struct key_answer answer;
    if (released != 0)
        ask(&(struct key_request){.kind = KEY_RELEASE, .set = released}, &answer, NULL);
    return read_file(ctx, path, out, facts, err);
}

static void set_up(void)
{
    world_make(&w);
    locks = (struct locks){0};
    struct file_source files = memory_files_source(&w.files);
    read_file = files.read;
    files.read = read_and_release;
    service = key_service_new(&(struct key_service_order){.files = files, .ctx = &locks, .become = become, .now = now, .change = change, .own = own, .share = share});
}

static void tear_down(void)
{
    released = 0;
    key_service_free(service);
    ck_assert(locks.change == 0 && locks.own == 0 && locks.share == 0);
    world_clear(&w);
}

static void ask(const struct key_request *request, struct key_answer *answer, struct identity_files *files)
{
    struct bytes in, out;
    struct span message;
    uint32_t number = 0;
    size_t used = 0;
    bytes_init(&in, KEY_REQUEST_MAX);
    bytes_init(&out, KEY_ANSWER_MAX);
    ck_assert_int_eq(key_message_request(&in, 5, request), 0);
    ck_assert_int_eq(key_message_frame(bytes_span(&in), KEY_REQUEST_MAX, &number, &message, &used), 1);
    ck_assert_int_eq(key_service_answer(service, number, message, &out), 0);
    ck_assert_int_eq(key_message_frame(bytes_span(&out), KEY_ANSWER_MAX, &number, &message, &used), 1);
    ck_assert_uint_eq(number, 5);
    ck_assert_int_eq(key_message_read_answer(message, answer, files), 0);
    bytes_clear(&in);
    bytes_clear(&out);
}

static uint64_t read_key(uint32_t set, const char *path)
{
    struct identity_files files = {0};
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_READ, .set = set, .name = span_from_str("me"), .key_path = span_from_str(path)}, &answer, &files);
    ck_assert(answer.fine && answer.has_key);
    identity_files_clear(&files);
    return answer.key;
}

static int sha256_with_ecdsa(void)
{
    return 14; /* the library's number of ECDSA with SHA-256, which no header outside of its room has */
}

static bool signs(uint64_t key, const char *hash)
{
    struct key_answer answer;
    struct key_request request = {.kind = KEY_SIGN, .key = key, .what = {sha256_with_ecdsa(), true, span_from_str(hash)}};
    ask(&request, &answer, NULL);
    ck_assert_int_eq(answer.fine, answer.signature.n > 0);
    return answer.fine;
}

START_TEST(reads_signs_and_releases)
{
    uint64_t first = read_key(1, "/etc/server.pem"), second = read_key(2, "/etc/payments.pem");
    ck_assert(signs(first, "0123456789abcdef0123456789abcdef"));
    ck_assert(signs(second, "0123456789abcdef0123456789abcdef"));
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_RELEASE, .set = 1}, &answer, NULL);
    ck_assert(answer.fine);
    ck_assert(!signs(first, "0123456789abcdef0123456789abcdef"));
    ck_assert(signs(second, "0123456789abcdef0123456789abcdef"));
    ck_assert_uint_gt(locks.shared, 0);
}
END_TEST

START_TEST(a_dropped_key_signs_no_more_and_the_others_of_its_set_do)
{
    uint64_t first = read_key(1, "/etc/server.pem"), second = read_key(1, "/etc/payments.pem");
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_DROP, .key = first}, &answer, NULL);
    ck_assert(answer.fine);
    ck_assert(!signs(first, "0123456789abcdef0123456789abcdef"));
    ck_assert(signs(second, "0123456789abcdef0123456789abcdef"));
}
END_TEST

START_TEST(signs_nothing_but_handshakes_with_its_own_keys)
{
    uint64_t key = read_key(1, "/etc/server.pem");
    ck_assert(!signs(key, "a text"));
    ck_assert(!signs(key + 1, "0123456789abcdef0123456789abcdef"));
    ck_assert(!signs(0, "0123456789abcdef0123456789abcdef"));
}
END_TEST

/* ---- a CA ---- */

static void put_ca(void)
{
    static const char *const only[] = {"api.example"};
    const struct tls_pki_ca order = {"CA", only, 1, now() - 86400, now() + 10 * 86400};
    struct tls_pki_pair ca;
    struct err err = {0};
    ck_assert_int_eq(tls_pki_make_ca(&order, &ca, &err), 0);
    (void)memory_files_put(&w.files, "/etc/ca.pem", bytes_span(&ca.certificate));
    (void)memory_files_put(&w.files, "/etc/ca.key", bytes_span(&ca.key));
    tls_pki_pair_clear(&ca);
}

static struct key_request ca_request(const char *hosts)
{
    return (struct key_request){.kind = KEY_READ_CA,
                                .set = 1,
                                .name = span_from_str("proxy"),
                                .key_path = span_from_str("/etc/ca.key"),
                                .certificate_path = span_from_str("/etc/ca.pem"),
                                .hosts = span_from_str(hosts)};
}

static struct key_answer read_ca(const char *hosts, const char *fault)
{
    struct identity_files files = {0};
    struct key_answer answer;
    struct key_request request = ca_request(hosts);
    struct span text = bytes_span(&memory_files_find(&w.files, "/etc/ca.key")->text);
    ask(&request, &answer, &files);
    ck_assert_msg(answer.fine && strstr(files.fault.text, fault) != NULL, "%s", files.fault.text);
    ck_assert_uint_eq(files.key.text.len, 0);
    struct span given = bytes_span(&files.certificate.text);
    ck_assert(given.len > 0 && memmem(given.ptr, given.len, text.ptr + 30, 30) == NULL);
    identity_files_clear(&files);
    return answer;
}

static struct key_answer issue(uint64_t key, const char *host)
{
    struct identity_files files = {0};
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_ISSUE, .key = key, .hosts = span_from_str(host)}, &answer, &files);
    struct span pem = bytes_span(&files.certificate.text);
    ck_assert_int_eq(answer.fine, pem.len > 0 && memmem(pem.ptr, pem.len, "CERTIFICATE", 11) != NULL);
    identity_files_clear(&files);
    return answer;
}

START_TEST(a_ca_issues_for_its_hosts_and_counts_what_it_refuses)
{
    put_ca();
    struct key_answer ca = read_ca("api.example\n", "");
    ck_assert(ca.has_key);
    ck_assert(issue(ca.key, "api.example").fine);
    ck_assert_uint_eq(issue(ca.key, "bank.example").refused, 1);
    ck_assert_uint_eq(issue(ca.key + 1, "api.example").refused, 2);
    ck_assert_uint_eq(issue(read_key(2, "/etc/server.pem"), "api.example").refused, 3);
    ck_assert(signs(ca.key, "0123456789abcdef0123456789abcdef")); /* of its leaves */
    ck_assert_uint_eq(issue(ca.key, "api.example").refused, 3);
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_RELEASE, .set = 1}, &answer, NULL);
    ck_assert(!issue(ca.key, "api.example").fine);
}
END_TEST

START_TEST(a_ca_for_other_hosts_than_it_permits_is_no_ca)
{
    put_ca();
    ck_assert(!read_ca("bank.example\n", "permit \"api.example\"").has_key);
    ck_assert(!read_ca("", "permit \"api.example\"").has_key);
}
END_TEST

/* With it a process that is taken over could have the hash of any certificate signed. */
START_TEST(the_key_of_a_ca_is_no_identity)
{
    struct identity_files files = {0};
    struct key_answer answer;
    put_ca();
    struct span text = bytes_span(&memory_files_find(&w.files, "/etc/ca.key")->text);
    (void)memory_files_put(&w.files, "/etc/copy.key", text);
    ck_assert(read_ca("api.example\n", "").has_key);
    ask(&(struct key_request){.kind = KEY_READ, .set = 3, .name = span_from_str("me"), .key_path = span_from_str("/etc/copy.key"),
                              .certificate_path = span_from_str("/etc/ca.pem")}, &answer, &files);
    ck_assert(answer.fine && !answer.has_key && answer.refused == 1);
    ck_assert_msg(strstr(files.fault.text, "signs certificates alone") != NULL, "%s", files.fault.text);
    identity_files_clear(&files);
}
END_TEST

/* Which may take as long as a token likes. */
START_TEST(a_release_waits_for_no_read)
{
    uint64_t key = read_key(1, "/etc/server.pem");
    unsigned changes = locks.changes;
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_RELEASE, .set = 1}, &answer, NULL);
    ck_assert(answer.fine);
    ck_assert_uint_eq(locks.changes, changes);
    ck_assert(!signs(key, "0123456789abcdef0123456789abcdef"));
}
END_TEST

START_TEST(a_set_that_is_released_while_it_is_read_gets_no_key)
{
    struct identity_files files = {0};
    struct key_answer answer;
    released = 1;
    ask(&(struct key_request){.kind = KEY_READ, .set = 1, .name = span_from_str("me"), .key_path = span_from_str("/etc/server.pem")}, &answer, &files);
    ck_assert(!answer.fine && !answer.has_key);
    identity_files_clear(&files);
    released = 0;
    ck_assert(signs(read_key(1, "/etc/server.pem"), "0123456789abcdef0123456789abcdef"));
}
END_TEST

START_TEST(an_answer_holds_certificates_and_no_key)
{
    struct identity_files files = {0};
    struct key_answer answer;
    struct span text = bytes_span(&memory_files_find(&w.files, "/etc/server.pem")->text);
    const uint8_t *key = memmem(text.ptr, text.len, "PRIVATE KEY-----\n", 17);
    ck_assert_ptr_nonnull(key);
    ask(&(struct key_request){.kind = KEY_READ, .set = 1, .name = span_from_str("me"), .key_path = span_from_str("/etc/server.pem")}, &answer, &files);
    struct span given = bytes_span(&files.key.text);
    ck_assert_ptr_nonnull(memmem(given.ptr, given.len, "MII", 3));
    ck_assert_ptr_null(memmem(given.ptr, given.len, key + 17, 32));
    identity_files_clear(&files);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_answer)
{
    struct identity_files files = {0};
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_READ, .set = 1, .name = span_from_str("me"), .key_path = span_from_str("/etc/none.pem")}, &answer, &files);
    ck_assert(answer.fine && !answer.has_key && files.key.failed);
    identity_files_clear(&files);
}
END_TEST

START_TEST(becomes_the_user_or_says_why_not)
{
    struct key_answer answer;
    ask(&(struct key_request){.kind = KEY_BECOME}, &answer, NULL);
    ck_assert(!answer.fine);
    ck_assert_str_eq(answer.err.text, "no such user");
    locks.becomes = true;
    ask(&(struct key_request){.kind = KEY_BECOME}, &answer, NULL);
    ck_assert(answer.fine);
}
END_TEST

static int pack(void *ctx, bool wait, struct bytes *packed)
{
    (void)ctx;
    return bytes_append_str(packed, wait ? "waited" : "");
}

static bool fine, waited;

static void ask_workload(const struct key_service_order *order)
{
    struct key_service *s = key_service_new(order);
    struct bytes request, out;
    struct span message;
    struct key_answer answer;
    uint32_t number;
    size_t used;
    bytes_init(&request, 100);
    bytes_init(&out, 1000);
    ck_assert_int_eq(key_message_request(&request, 1, &(struct key_request){.kind = KEY_WORKLOAD, .wait = true}), 0);
    ck_assert_int_eq(key_service_answer(s, 1, span_skip(bytes_span(&request), KEY_HEAD_BYTES), &out), 0);
    ck_assert_int_eq(key_message_frame(bytes_span(&out), KEY_ANSWER_MAX, &number, &message, &used), 1);
    ck_assert_int_eq(key_message_read_answer(message, &answer, NULL), 0);
    fine = answer.fine;
    waited = span_equals_str(answer.workload, "waited");
    bytes_clear(&request);
    bytes_clear(&out);
    key_service_free(s);
}

START_TEST(gives_what_the_workload_api_gave_where_it_is_configured)
{
    ask_workload(&(struct key_service_order){.workload = pack});
    ck_assert(fine && waited);
    ask_workload(&(struct key_service_order){.workload = NULL});
    ck_assert(!fine && !waited);
}
END_TEST

START_TEST(a_malformed_request_gets_no_answer)
{
    struct bytes out;
    bytes_init(&out, 1000);
    ck_assert_int_eq(key_service_answer(service, 1, span_from_str("\x09"), &out), -1);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_service");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, reads_signs_and_releases);
    tcase_add_test(c, a_dropped_key_signs_no_more_and_the_others_of_its_set_do);
    tcase_add_test(c, signs_nothing_but_handshakes_with_its_own_keys);
    tcase_add_test(c, a_release_waits_for_no_read);
    tcase_add_test(c, a_ca_issues_for_its_hosts_and_counts_what_it_refuses);
    tcase_add_test(c, a_ca_for_other_hosts_than_it_permits_is_no_ca);
    tcase_add_test(c, the_key_of_a_ca_is_no_identity);
    tcase_add_test(c, a_set_that_is_released_while_it_is_read_gets_no_key);
    tcase_add_test(c, an_answer_holds_certificates_and_no_key);
    tcase_add_test(c, a_file_that_is_not_there_is_an_answer);
    tcase_add_test(c, becomes_the_user_or_says_why_not);
    tcase_add_test(c, gives_what_the_workload_api_gave_where_it_is_configured);
    tcase_add_test(c, a_malformed_request_gets_no_answer);
    suite_add_tcase(s, c);
    return s;
}
