/* SPDX-License-Identifier: Apache-2.0 */
/* Rows D8 and E3 of the security list: every address of a name is tried, and only checked ones are connected to. Loopback only: names are looked up
 * by the test, 127.0.0.1 listens, 127.0.0.2 refuses, 127.0.0.3 takes no more connections and so answers nothing. */
#include "connector.h"
#include "loop_worker.h"
#include "t.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char config_text[] = "upstreams = { u = { targets = [ \"127.0.0.1:1\" ]; }; };\n"
                                  "listeners = { l = { bind = \"127.0.0.1:2\"; upstream = \"u\"; }; };\n";

static struct loop_worker w;
static struct address place;
static struct dial dial;
static struct connector *slot;
static uint16_t port;
static int listening = -1, full = -1, filling[8], n_filling;

static struct outcome {
    unsigned n;
    struct upconn *up;
    enum reason reason;
    char text[700];
} outcome;

/* ---- names ---- */

static const struct { const char *name, *addresses; } names[] = { /* NULL: silence, until the end of the test */
    {"good.example", "127.0.0.1"},
    {"second.example", "127.0.0.2 127.0.0.1"},
    {"slow.example", "127.0.0.3 127.0.0.1"},
    {"none.example", "127.0.0.2 127.0.0.4 127.0.0.5"},
    {"deaf.example", "127.0.0.3 127.0.0.6"},
    {"gone.example", ""},
    {"silent.example", NULL},
};
static _Atomic unsigned lookups;
static uv_sem_t silence;

static void list_of(const char *addresses, struct addrinfo **at)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    char one[32];
    for (int used; sscanf(addresses, "%31s%n", one, &used) == 1; addresses += used) {
        ck_assert_int_eq(getaddrinfo(one, NULL, &hints, at), 0);
        at = &(*at)->ai_next;
    }
}

static int fake(const char *host, struct addrinfo **found)
{
    lookups++;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, host) != 0)
            continue;
        if (names[i].addresses == NULL)
            uv_sem_wait(&silence);
        else
            list_of(names[i].addresses, found);
    }
    return *found != NULL ? 0 : EAI_NONAME;
}

/* ---- places ---- */

static int socket_at(const char *literal, uint16_t at, int backlog)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(at)};
    inet_pton(AF_INET, literal, &name.sin_addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0 && listen(fd, backlog) == 0)
        return fd;
    close(fd);
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    getsockname(fd, (struct sockaddr *)&name, &size);
    return ntohs(name.sin_port);
}

/* A queue that is full: the kernel drops what asks to come in. */
static void fill(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.3", &name.sin_addr);
    for (n_filling = 0; n_filling < 4; n_filling++) {
        filling[n_filling] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(filling[n_filling], (struct sockaddr *)&name, sizeof(name));
    }
}

static void set_up(void)
{
    for (unsigned tries = 0; full < 0 && tries < 20; tries++) { /* a port that is free at both */
        if (listening >= 0)
            close(listening);
        listening = socket_at("127.0.0.1", 0, 16);
        port = port_of(listening);
        full = socket_at("127.0.0.3", port, 0);
    }
    ck_assert_int_ge(full, 0);
    loop_worker_start(&w, config_text);
    w.worker.names.look_up = fake;
    outcome = (struct outcome){0};
    lookups = 0;
    uv_sem_init(&silence, 0);
}

static void tear_down(void)
{
    ck_assert_ptr_null(slot);
    loop_worker_end(&w);
    for (int i = 0; i < n_filling; i++)
        close(filling[i]);
    n_filling = 0;
    close(listening);
    close(full);
    listening = full = -1;
}

/* ---- connecting ---- */

static void on_done(void *owner, const struct connector_result *result)
{
    struct outcome *o = owner;
    ck_assert_ptr_null(slot);
    o->n++;
    o->up = result->up;
    o->reason = result->reason;
    snprintf(o->text, sizeof(o->text), "%s", result->text != NULL ? result->text : "");
}

static void begin(const char *text)
{
    struct err err = {0};
    ck_assert_msg(address_parse(text, &place, &err) == 0, "%s", err.text);
    if (place.kind == ADDRESS_TCP && place.port == 0)
        place.port = port;
    dial.target = &w.snapshot->targets[0];
    dial.address = &place;
    outcome = (struct outcome){0};
    connector_start(&slot, &(struct connector_order){&w.worker, w.snapshot, &dial, on_done, &outcome});
}

static bool is_over(void *ctx)
{
    return ((const struct outcome *)ctx)->n > 0;
}

static void run_for(unsigned ms)
{
    loop_worker_run(&w, ms, is_over, &outcome);
}

static void connect_to(const char *text)
{
    begin(text);
    run_for(10000);
    ck_assert_uint_eq(outcome.n, 1);
}

static void expect_connected(const char *literal)
{
    struct sockaddr_in name;
    int size = sizeof(name);
    char shown[64];
    ck_assert_msg(outcome.up != NULL, "%s", outcome.text);
    ck_assert_int_eq(uv_tcp_getpeername(&outcome.up->stream.u.tcp, (struct sockaddr *)&name, &size), 0);
    uv_ip4_name(&name, shown, sizeof(shown));
    ck_assert_str_eq(shown, literal);
    ck_assert_uint_eq(w.worker.n_uplinks, 1); /* the others are closed */
    stream_close(&outcome.up->stream, false);
    uv_run(&w.loop, UV_RUN_NOWAIT);
}

START_TEST(connects_to_literals_without_a_look_up)
{
    connect_to("127.0.0.1:0");
    expect_connected("127.0.0.1");
    ck_assert_uint_eq(lookups, 0);
}
END_TEST

/* D5: there are places, but somebody lowered the limit. */
START_TEST(waits_for_a_descriptor_and_leaves_the_loop_to_others)
{
    struct rlimit before, none;
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){3, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    begin("127.0.0.1:0");
    uint64_t began = uv_hrtime();
    run_for(50);
    ck_assert_uint_lt((uv_hrtime() - began) / 1000000, 500);
    ck_assert_uint_eq(outcome.n, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    run_for(5000);
    expect_connected("127.0.0.1");
    ck_assert_uint_eq(w.capacity.uplinks, 1);
}
END_TEST

START_TEST(connects_to_names_and_knows_them_the_second_time)
{
    connect_to("good.example:0");
    expect_connected("127.0.0.1");
    connect_to("good.example:0");
    expect_connected("127.0.0.1");
    ck_assert_uint_eq(lookups, 1);
}
END_TEST

START_TEST(tries_the_next_address_at_once_when_one_refuses)
{
    uint64_t began = uv_hrtime();
    connect_to("second.example:0");
    expect_connected("127.0.0.1");
    ck_assert_uint_lt((uv_hrtime() - began) / 1000000, 240);
}
END_TEST

START_TEST(tries_the_next_address_after_a_while_when_one_is_silent)
{
    fill();
    uint64_t began = uv_hrtime();
    connect_to("slow.example:0");
    uint64_t ms = (uv_hrtime() - began) / 1000000;
    expect_connected("127.0.0.1");
    ck_assert_uint_ge(ms, 249);
    ck_assert_uint_lt(ms, 900);
}
END_TEST

START_TEST(says_which_address_it_tried_last_and_how_many_there_were)
{
    char expected[128];
    connect_to("none.example:0");
    ck_assert_int_eq(outcome.reason, REASON_CONNECT_REFUSED);
    snprintf(expected, sizeof(expected), "none.example:%u: connection refused (127.0.0.5, the last of 3 addresses)", (unsigned)port);
    ck_assert_str_eq(outcome.text, expected);
    connect_to("127.0.0.2:0");
    snprintf(expected, sizeof(expected), "127.0.0.2:%u: connection refused", (unsigned)port);
    ck_assert_str_eq(outcome.text, expected);
    connect_to("unix:/nonexistent/x.sock");
    ck_assert_int_eq(outcome.reason, REASON_CONNECT_REFUSED);
    ck_assert_str_eq(outcome.text, "unix:/nonexistent/x.sock: no such file or directory");
}
END_TEST

START_TEST(says_that_a_name_cannot_be_found)
{
    connect_to("gone.example:0");
    ck_assert_int_eq(outcome.reason, REASON_DNS_FAILED);
    ck_assert_ptr_nonnull(strstr(outcome.text, "gone.example"));
}
END_TEST

START_TEST(tells_what_a_late_one_was_waiting_for)
{
    char text[640];
    fill();
    begin("silent.example:0");
    run_for(20);
    ck_assert_int_eq(connector_describe(slot, text, sizeof(text)), REASON_DNS_FAILED);
    ck_assert_ptr_nonnull(strstr(text, "the resolver gave no answer in time"));
    connector_cancel(&slot);
    begin("deaf.example:0");
    run_for(20);
    ck_assert_int_eq(connector_describe(slot, text, sizeof(text)), REASON_CONNECT_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(text, "no answer in time (127.0.0.3, the last of 2 addresses)"));
    connector_cancel(&slot);
    connector_cancel(&slot); /* harmless */
    run_for(20);
    ck_assert_uint_eq(outcome.n, 0);
    ck_assert_uint_eq(w.worker.n_uplinks, 0);
    worker_stop(&w.worker);
    ck_assert(resolve_is_held(&w.worker.names)); /* it still runs, and nothing waits for it */
}
END_TEST

START_TEST(refuses_what_is_not_public_after_the_name_was_looked_up)
{
    static const struct { const char *place, *says; } rows[] = {
        {"good.example:0", "127.0.0.1 is not a public address (loopback)"},
        {"127.0.0.1:0", "127.0.0.1 is not a public address (loopback)"},
        {"169.254.169.254:80", "169.254.169.254 is not a public address (link-local)"},
        {"[::ffff:127.0.0.1]:0", "is not a public address ("},
        {"none.example:0", "127.0.0.2 is not a public address (loopback)"},
        {"unix:/run/x.sock", "a unix socket is not a public address"},
    };
    dial.public_only = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        connect_to(rows[i].place);
        ck_assert_msg(outcome.up == NULL && outcome.reason == REASON_ADDRESS_NOT_ALLOWED, "%s: %s", rows[i].place, outcome.text);
        ck_assert_msg(strstr(outcome.text, rows[i].says) != NULL, "%s", outcome.text);
    }
    ck_assert_uint_eq(w.worker.n_uplinks, 0);
    dial.public_only = false;
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("connector");
    TCase *t = tcase_create("connector");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, connects_to_literals_without_a_look_up);
    tcase_add_test(t, waits_for_a_descriptor_and_leaves_the_loop_to_others);
    tcase_add_test(t, connects_to_names_and_knows_them_the_second_time);
    tcase_add_test(t, tries_the_next_address_at_once_when_one_refuses);
    tcase_add_test(t, tries_the_next_address_after_a_while_when_one_is_silent);
    tcase_add_test(t, says_which_address_it_tried_last_and_how_many_there_were);
    tcase_add_test(t, says_that_a_name_cannot_be_found);
    tcase_add_test(t, tells_what_a_late_one_was_waiting_for);
    tcase_add_test(t, refuses_what_is_not_public_after_the_name_was_looked_up);
    suite_add_tcase(s, t);
    return s;
}
