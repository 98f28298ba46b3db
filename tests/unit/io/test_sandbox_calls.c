/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/sandbox.h"
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sandbox_needs needs = {.listens = true, .connects = true};

/* What a process that went in and did this ended with, as waitpid tells it. 90: nothing is in force. */
static int status_after(int (*act)(void))
{
    int status;
    const struct rlimit no_core = {0, 0};
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_facts facts = {0};
        setrlimit(RLIMIT_CORE, &no_core);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        sandbox_calls(needs, &facts);
        _exit(facts.calls ? act() : 90);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void *nothing(void *unused)
{
    return unused;
}

static int do_the_usual(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    pthread_t thread;
    int ends[2], fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd < 0 || close(fd) != 0)
        return 1;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 2;
    if (getaddrinfo("localhost", "80", &hints, &found) == 0)
        freeaddrinfo(found);
    static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
    for (size_t i = 0; i < 4; i++) {
        fd = socket(families[i], families[i] == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0);
        if (fd < 0 && errno != EAFNOSUPPORT)
            return 3;
        if (fd >= 0)
            close(fd);
    }
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0 && write(ends[0], "x", 1) == 1 ? 0 : 4;
}

START_TEST(leaves_what_a_server_does)
{
    ck_assert_int_eq(status_after(do_the_usual), 0);
}
END_TEST

static int run_program(void)
{
    execl("/bin/true", "true", (char *)NULL);
    return 0;
}

static int become_another(void)
{
    return setuid(65534) == 0 ? 0 : 0;
}

static int leave_namespace(void)
{
    return unshare(CLONE_NEWUSER) == 0 ? 0 : 0;
}

static int mount_something(void)
{
    return mount("none", "/mnt", "tmpfs", 0, NULL) == 0 ? 0 : 0;
}

static int read_another(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) == 0 ? 0 : 0;
}

static int keep_keys(void)
{
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0) == 0 ? 0 : 0;
}

#ifndef __SANITIZE_ADDRESS__
static int trace_another(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0 ? 0 : 0;
}
#endif

/* E5: each ends the process at once, with the signal that says why. */
START_TEST(ends_with_what_only_an_intruder_does)
{
    int (*const acts[])(void) = {run_program, become_another, leave_namespace, mount_something, read_another, keep_keys,
#ifndef __SANITIZE_ADDRESS__
                                 trace_another,
#endif
    };
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        int status = status_after(acts[i]);
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "act %zu: status %d", i, status);
    }
}
END_TEST

static int try_what_fails(void)
{
    if (socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != ENOSYS)
        return 1;
    if (syscall(SYS_io_uring_setup, 1, NULL) >= 0 || errno != ENOSYS)
        return 2;
    if (syscall(SYS_memfd_create, "x", 0) >= 0 || errno != ENOSYS)
        return 3;
#ifndef __SANITIZE_ADDRESS__
    pid_t pid = fork();
    if (pid >= 0)
        return pid == 0 ? 0 : 4;
#endif
    return 0;
}

START_TEST(fails_what_it_has_no_use_for)
{
    ck_assert_int_eq(status_after(try_what_fails), 0);
}
END_TEST

static int try_what_keys_do_not_need(void)
{
    static const int numbers[] = {SYS_bind, SYS_listen, SYS_accept4, SYS_inotify_init1, SYS_wait4, SYS_timerfd_create, SYS_signalfd4, SYS_splice};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (syscall(numbers[i], -1, NULL, 0, 0, 0, 0) >= 0 || errno != ENOSYS)
            return 1 + (int)i;
    if (kill(getpid(), 0) == 0 || errno != ENOSYS)
        return 20;
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (needs.connects ? fd < 0 : fd >= 0 || errno != ENOSYS)
        return 21;
    int ends[2], rc = socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    return needs.connects == (rc == 0) ? 0 : 22;
}

/* E5 */
START_TEST(the_process_of_keys_listens_to_nothing_and_opens_no_socket_without_an_agent)
{
    for (int connects = 0; connects < 2; connects++) {
        needs = (struct sandbox_needs){.listens = false, .connects = connects};
        ck_assert_int_eq(status_after(try_what_keys_do_not_need), 0);
        int status = status_after(run_program);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    }
    needs = (struct sandbox_needs){.listens = true, .connects = true};
}
END_TEST

static void *become_in_thread(void *go)
{
    char byte;
    if (read(*(int *)go, &byte, 1) == 1)
        execl("/bin/true", "true", (char *)NULL);
    return NULL;
}

/* A worker runs already. */
START_TEST(holds_for_threads_that_run_before)
{
    int status;
    const struct rlimit no_core = {0, 0};
    pid_t pid = fork();
    if (pid == 0) {
        struct sandbox_facts facts = {0};
        pthread_t thread;
        int ends[2];
        setrlimit(RLIMIT_CORE, &no_core);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (pipe(ends) != 0 || pthread_create(&thread, NULL, become_in_thread, &ends[0]) != 0)
            _exit(1);
        sandbox_calls(needs, &facts);
        if (write(ends[1], "x", 1) != 1)
            _exit(2);
        pthread_join(thread, NULL);
        _exit(3);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status %d", status);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sandbox_calls");
    TCase *c = tcase_create("sandbox_calls");
    tcase_add_test(c, leaves_what_a_server_does);
    tcase_add_test(c, ends_with_what_only_an_intruder_does);
    tcase_add_test(c, the_process_of_keys_listens_to_nothing_and_opens_no_socket_without_an_agent);
    tcase_add_test(c, fails_what_it_has_no_use_for);
    tcase_add_test(c, holds_for_threads_that_run_before);
    suite_add_tcase(s, c);
    return s;
}
