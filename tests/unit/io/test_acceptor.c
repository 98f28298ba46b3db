/* SPDX-License-Identifier: Apache-2.0 */
/* On a real loop with real sockets: accept is made to fail by a limit of descriptors that is lower than what is open. */
#include "acceptor.h"
#include "t.h"

#include "mtlsd/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uv_loop_t loop;
static struct acceptor acceptor;
static struct sockaddr_in address;
static struct rlimit before;
static unsigned accepted, most, closed, turns;
static struct sockaddr_storage last_peer;
static char lines[8192];

static double no_time(void)
{
    return 0;
}

static void note_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    size_t n = strlen(lines);
    (void)ctx;
    (void)kind;
    (void)level;
    snprintf(lines + n, sizeof(lines) - n, "%.*s", (int)line.len, (const char *)line.ptr);
}

static void on_client(void *owner, int fd, const struct sockaddr_storage *from)
{
    ck_assert_ptr_eq(owner, &accepted);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    last_peer = *from;
    close(fd);
    if (++accepted >= most)
        acceptor_hold(&acceptor);
}

static void on_closed(void *owner)
{
    ck_assert_ptr_eq(owner, &accepted);
    closed++;
}

/* Where the owner has a descriptor to spare, of a number that any limit allows. */
static int spare;
static unsigned surplus, shortages;
static enum acceptor_help help;

static enum acceptor_help on_shortage(void *owner, int error, bool lasts)
{
    ck_assert_int_eq(error, EMFILE);
    ck_assert_ptr_eq(owner, &accepted);
    shortages++;
    if (help == ACCEPTOR_NO_HELP || (help == ACCEPTOR_REFUSE_ONE && !lasts))
        return ACCEPTOR_NO_HELP;
    close(spare);
    return help;
}

static void on_surplus(void *owner, int fd)
{
    ck_assert_ptr_eq(owner, &accepted);
    ck_assert_int_eq(fd, spare);
    surplus++;
    close(fd);
    ck_assert_int_eq(open("/dev/null", O_RDONLY | O_CLOEXEC), spare);
}

static const struct acceptor_events events = {on_client, on_shortage, on_surplus, on_closed};

static void set_up(void)
{
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    surplus = shortages = 0;
    help = ACCEPTOR_NO_HELP;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof(address);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(fd, 100), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    accepted = closed = turns = 0;
    most = 1000;
    lines[0] = '\0';
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, note_line, NULL, no_time);
    getrlimit(RLIMIT_NOFILE, &before);
    ck_assert_int_eq(acceptor_start(&acceptor, &loop, fd, "127.0.0.1:1", &events, &accepted), 0);
}

static void tear_down(void)
{
    acceptor_close(&acceptor);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(closed, 1);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(spare);
}

static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void on_time(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Turns the loop for that long, or until so many are accepted. */
static void run_until(unsigned wanted, uint64_t ms)
{
    uv_timer_t timer;
    bool over = false;
    uv_timer_init(&loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, on_time, ms, 0);
    for (; !over && accepted < wanted; turns++)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void forbid_descriptors(void)
{
    struct rlimit none = {(rlim_t)spare + 1, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void allow_descriptors(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}

START_TEST(gives_each_client_with_its_address)
{
    struct sockaddr_in own;
    socklen_t size = sizeof(own);
    int fd = dial();
    run_until(1, 2000);
    ck_assert_uint_eq(accepted, 1);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&own, &size), 0);
    ck_assert_int_eq(((struct sockaddr_in *)&last_peer)->sin_port, own.sin_port);
    close(fd);
}
END_TEST

START_TEST(takes_no_more_than_its_owner_wants)
{
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = dial();
    most = 2;
    run_until(3, 50);
    ck_assert_uint_eq(accepted, 2);
    most = 3;
    acceptor_go_on(&acceptor);
    run_until(3, 2000);
    ck_assert_uint_eq(accepted, 3);
    for (int i = 0; i < 3; i++)
        close(fds[i]);
}
END_TEST

START_TEST(lets_others_have_their_turn_in_a_crowd)
{
    int fds[80];
    for (int i = 0; i < 80; i++)
        fds[i] = dial();
    uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_le(accepted, 32);
    run_until(80, 2000);
    ck_assert_uint_eq(accepted, 80);
    for (int i = 0; i < 80; i++)
        close(fds[i]);
}
END_TEST

/* D5 */
START_TEST(accept_that_fails_leaves_the_loop_alone_and_is_told_once)
{
    int fd = dial();
    forbid_descriptors();
    run_until(1, 300);
    allow_descriptors();
    ck_assert_uint_eq(accepted, 0);
    ck_assert_uint_lt(turns, 30); /* a few trials, further and further apart */
    const char *told = strstr(lines, "EMFILE");
    ck_assert_msg(told != NULL && strstr(told + 1, "EMFILE") == NULL, "%s", lines);
    ck_assert_ptr_nonnull(strstr(lines, "127.0.0.1:1"));
    ck_assert_ptr_nonnull(strstr(lines, "raise the open file limit"));
    close(fd);
}
END_TEST

/* D5 */
START_TEST(goes_on_by_itself_when_the_error_is_over)
{
    int fd = dial();
    forbid_descriptors();
    run_until(1, 20);
    allow_descriptors();
    run_until(1, 2000);
    ck_assert_uint_eq(accepted, 1);
    ck_assert_msg(strstr(lines, "accepted again") != NULL, "%s", lines);
    close(fd);
}
END_TEST

/* C13 */
START_TEST(owner_that_frees_a_descriptor_is_given_the_client_at_once)
{
    int fd = dial();
    help = ACCEPTOR_SERVE_ONE;
    forbid_descriptors();
    run_until(1, 2000);
    allow_descriptors();
    ck_assert_uint_eq(accepted, 1);
    ck_assert_uint_eq(surplus, 0);
    ck_assert_str_eq(lines, "");
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    close(fd);
}
END_TEST

/* C13 */
START_TEST(owner_may_refuse_those_that_have_waited)
{
    int fds[40];
    help = ACCEPTOR_REFUSE_ONE;
    for (int i = 0; i < 40; i++)
        fds[i] = dial();
    forbid_descriptors();
    run_until(1, 300);
    ck_assert_uint_eq(surplus, 0); /* it may be over soon */
    ck_assert_uint_gt(shortages, 0);
    run_until(1, 900);
    allow_descriptors();
    ck_assert_uint_eq(surplus, 40);
    ck_assert_uint_eq(accepted, 0);
    ck_assert_ptr_null(strstr(lines, "accepted again"));
    for (int i = 0; i < 40; i++)
        close(fds[i]);
    fds[0] = dial();
    run_until(1, 2000);
    ck_assert_uint_eq(accepted, 1);
    ck_assert_msg(strstr(lines, "accepted again") != NULL, "%s", lines);
    close(fds[0]);
}
END_TEST

START_TEST(error_that_comes_and_goes_fills_no_log)
{
    for (int i = 0; i < 20; i++) {
        int fd = dial();
        forbid_descriptors();
        run_until(1, 1);
        allow_descriptors();
        run_until((unsigned)i + 1, 2000);
        close(fd);
    }
    size_t n = 0;
    for (const char *p = lines; (p = strchr(p, '\n')) != NULL; p++)
        n++;
    ck_assert_uint_le(n, 4);
}
END_TEST

START_TEST(can_be_closed_while_it_waits)
{
    int fd = dial();
    forbid_descriptors();
    run_until(1, 20);
    allow_descriptors();
    close(fd);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("acceptor");
    TCase *t = tcase_create("acceptor");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, gives_each_client_with_its_address);
    tcase_add_test(t, takes_no_more_than_its_owner_wants);
    tcase_add_test(t, lets_others_have_their_turn_in_a_crowd);
    tcase_add_test(t, accept_that_fails_leaves_the_loop_alone_and_is_told_once);
    tcase_add_test(t, goes_on_by_itself_when_the_error_is_over);
    tcase_add_test(t, owner_that_frees_a_descriptor_is_given_the_client_at_once);
    tcase_add_test(t, owner_may_refuse_those_that_have_waited);
    tcase_add_test(t, error_that_comes_and_goes_fills_no_log);
    tcase_add_test(t, can_be_closed_while_it_waits);
    suite_add_tcase(s, t);
    return s;
}
