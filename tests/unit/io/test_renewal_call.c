/* SPDX-License-Identifier: Apache-2.0 */
/* A CA that says too little, too slowly or too much: its server is a thread of the test, and the limits are short. E8 */
#include "t.h"

#include "mtlsd/io/clock.h"
#include "mtlsd/io/probe.h"
#include "mtlsd/io/renewal_call.h"
#include "mtlsd/tls/tls_pki.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DAY = 86400, ALL_MS = 300, LATE_MS = 5000, DRIP_MS = 20 };

enum hang { NO_TLS, HALF_TLS, NO_ANSWER, HALF_ANSWER, DRIP, INTERIM, CLOSES };

static struct tls_pki_pair ca;
static struct tls_context *ours, *theirs;
static int listener;
static struct address server;
static enum hang how;
static atomic_bool over;
static pthread_t thread;

/* ---- the server ---- */

static bool say(struct probe *p, const char *text)
{
    return probe_send(p, span_from_str(text));
}

static void wait_for_end(void)
{
    while (!over)
        probe_pause(DRIP_MS);
}

static void drip(struct probe *p)
{
    static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\nX: ";
    bool fine = say(p, head);
    while (fine && !over) {
        probe_pause(DRIP_MS);
        fine = say(p, "x");
    }
}

/* A read is never without bytes, so that a limit which is only looked at before a wait would not end it. */
static void flood(struct probe *p)
{
    static char many[200 * 25 + 1];
    many[0] = '\0';
    for (size_t i = 0; i < 200; i++)
        memcpy(many + i * 25, "HTTP/1.1 100 Continue\r\n\r\n", 26);
    while (!over && say(p, many)) {
    }
}

static void answer(struct probe *p)
{
    uint8_t buf[4096];
    if (how == HALF_TLS && say(p, "\x16\x03\x03\x00"))
        wait_for_end();
    if (how == NO_TLS || how == HALF_TLS)
        wait_for_end();
    else if (probe_start_tls(p, theirs) && probe_read(p, buf, sizeof(buf)) > 0) {
        if (how == HALF_ANSWER && say(p, "HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\nContent-Length: 100\r\n\r\nMIIB"))
            wait_for_end();
        if (how == NO_ANSWER)
            wait_for_end();
        if (how == DRIP)
            drip(p);
        if (how == INTERIM)
            flood(p);
    }
}

static void *serve(void *ctx)
{
    struct probe *p = probe_accept(listener);
    if (p != NULL)
        answer(p);
    probe_free(p);
    return ctx;
}

/* ---- both ends ---- */

static struct tls_identity *identity(enum tls_purpose purpose, int64_t now)
{
    static const char *const sans[] = {"ip:127.0.0.1"};
    struct tls_pki_pair pair = {0};
    struct err err = {0};
    struct findings notes;
    const struct tls_pki_order order = {.cn = "test", .sans = sans, .n_sans = 1, .purpose = purpose, .not_before = now - DAY, .not_after = now + DAY};
    int rc = tls_pki_issue(bytes_span(&ca.certificate), bytes_span(&ca.key), &order, (uint64_t)purpose + 2, &pair, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    const struct tls_identity_spec spec = {
        .name = "test", .certificate = bytes_span(&pair.certificate), .certificate_file = "c", .key = bytes_span(&pair.key), .key_file = "k"};
    findings_init(&notes);
    struct tls_identity *id = tls_identity_new(&spec, now, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    findings_clear(&notes);
    tls_pki_pair_clear(&pair);
    return id;
}

static struct tls_context *context(bool accepting, int64_t now)
{
    struct err err = {0};
    struct findings notes;
    struct tls_file file = {"ca.pem", bytes_span(&ca.certificate)};
    findings_init(&notes);
    struct tls_trust *trust = tls_trust_new(&(struct tls_trust_spec){.name = "test", .ca = &file, .n_ca = 1, .depth = 8, .min_rsa_bits = 2048}, now, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    struct tls_identity *id = identity(accepting ? TLS_PURPOSE_SERVER : TLS_PURPOSE_CLIENT, now);
    const struct tls_context_spec spec = {.accepting = accepting, .identity = id, .trust = trust, .ask = TLS_ASK_REQUIRED, .server_name = accepting ? NULL : "127.0.0.1",
                                          .require_client_auth = !accepting};
    struct tls_context *ctx = tls_context_new(&spec, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    tls_identity_unref(id);
    tls_trust_unref(trust);
    return ctx;
}

static void make_all(void)
{
    struct err err = {0};
    int64_t now = clock_now();
    ck_assert_int_eq(tls_pki_new_ca("CA", now - DAY, now + DAY, &ca, &err), 0);
    ours = context(false, now);
    theirs = context(true, now);
}

static void drop_all(void)
{
    tls_context_unref(ours);
    tls_context_unref(theirs);
    tls_pki_pair_clear(&ca);
}

static void begin(enum hang hang)
{
    struct err err = {0};
    uint16_t port;
    char text[40];
    how = hang;
    over = false;
    listener = probe_listen(&port, &err);
    ck_assert_int_ge(listener, 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    ck_assert_int_eq(address_parse(text, &server, &err), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
}

static void end(void)
{
    over = true;
    pthread_join(thread, NULL);
    close(listener);
}

static const struct {
    enum hang how;
    const char *error, *why;
} rows[] = {
    {NO_TLS, "the CA did not finish the TLS handshake within 0.3 s", "it accepts and says nothing"},
    {HALF_TLS, "the CA did not finish the TLS handshake within 0.3 s", "the head of a record and no more"},
    {NO_ANSWER, "the CA did not send a whole answer within 0.3 s", "it reads the request and says nothing"},
    {HALF_ANSWER, "the CA did not send a whole answer within 0.3 s", "half of a body"},
    {DRIP, "the CA did not send a whole answer within 0.3 s", "a byte now and then"},
    {INTERIM, "the CA did not send a whole answer within 0.3 s", "interim responses without end"},
};

START_TEST(a_ca_that_hangs_is_given_up_in_time)
{
    struct renewal_reply reply;
    struct err err = {0};
    begin(rows[_i].how);
    double began = probe_seconds();
    const struct renewal_call call = {.server = &server, .tls = ours, .request = span_from_str("POST / HTTP/1.1\r\nHost: ca\r\nContent-Length: 0\r\n\r\n"), .all_ms = ALL_MS};
    ck_assert_int_eq(renewal_call(&call, &reply, &err), -1);
    double took_ms = (probe_seconds() - began) * 1000;
    bytes_clear(&reply.body);
    end();
    ck_assert_msg(strcmp(err.text, rows[_i].error) == 0, "%s: %s", rows[_i].why, err.text);
    ck_assert_msg(took_ms >= ALL_MS - 1 && took_ms < LATE_MS, "%s: %g ms", rows[_i].why, took_ms);
}
END_TEST

START_TEST(a_ca_that_ends_the_connection_is_not_waited_for)
{
    struct renewal_reply reply;
    struct err err = {0};
    begin(CLOSES);
    const struct renewal_call call = {.server = &server, .tls = ours, .request = span_from_str("POST / HTTP/1.1\r\nHost: ca\r\nContent-Length: 0\r\n\r\n")};
    double began = probe_seconds();
    ck_assert_int_eq(renewal_call(&call, &reply, &err), -1);
    ck_assert(probe_seconds() - began < LATE_MS / 1000.0);
    bytes_clear(&reply.body);
    end();
    ck_assert_msg(strstr(err.text, "close_notify") != NULL, "%s", err.text);
}
END_TEST

/* A listener whose queue is full takes no more connections: the kernel drops what comes. */
START_TEST(a_ca_that_accepts_no_connection_is_given_up_in_time)
{
    struct renewal_reply reply;
    struct err err = {0};
    struct probe *fills[8] = {NULL};
    uint16_t port;
    char text[40];
    listener = probe_listen(&port, &err);
    ck_assert_int_eq(listen(listener, 0), 0);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    ck_assert_int_eq(address_parse(text, &server, &err), 0);
    for (size_t i = 0; i < 8 && (fills[i] = probe_connect(&server, 100)) != NULL && !probe_failed(fills[i]); i++) {
    }
    const struct renewal_call call = {.server = &server, .tls = ours, .request = span_from_str("x"), .connect_ms = ALL_MS};
    ck_assert_int_eq(renewal_call(&call, &reply, &err), -1);
    bytes_clear(&reply.body);
    ck_assert_str_eq(err.text, "no connection to the CA within 0.3 s");
    for (size_t i = 0; i < 8; i++)
        probe_free(fills[i]);
    close(listener);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("renewal_call");
    TCase *tc = tcase_create("hangs");
    tcase_add_unchecked_fixture(tc, make_all, drop_all);
    tcase_add_loop_test(tc, a_ca_that_hangs_is_given_up_in_time, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(tc, a_ca_that_ends_the_connection_is_not_waited_for);
    tcase_add_test(tc, a_ca_that_accepts_no_connection_is_given_up_in_time);
    suite_add_tcase(s, tc);
    return s;
}
