/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list of what this process and its libraries do. Anything else fails with ENOSYS, which a library that tries a newer call understands. What only
 * an intruder does ends the process, so that it is seen.
 */
#include "mtlsd/io/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* By name: each processor has some of them, and each release of the C library uses others for the same thing. */
static const char *const allowed[] = {
    /* memory */
    "brk", "madvise", "mlock", "mlock2", "mmap", "mmap2", "mprotect", "mremap", "munlock", "munmap", "membarrier",
    /* threads and signals */
    "exit", "exit_group", "futex", "futex_time64", "futex_waitv", "get_robust_list", "gettid", "getpid", "getppid", "rseq", "rt_sigaction", "rt_sigpending",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigreturn", "restart_syscall", "set_robust_list",
    "set_tid_address", "sigaltstack", "tgkill", "tkill", "kill", "wait4", "waitid", "sched_getaffinity", "sched_setaffinity", "sched_getparam",
    "sched_getscheduler", "sched_yield", "sched_get_priority_max", "sched_get_priority_min", "getcpu", "setpriority", "getpriority", "arch_prctl",
    "set_thread_area", "set_tls", "prctl",
    /* time */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "gettimeofday", "nanosleep",
    "time", "timerfd_create", "timerfd_settime", "timerfd_settime64", "timerfd_gettime", "timerfd_gettime64", "times",
    /* descriptors */
    "close", "close_range", "dup", "dup2", "dup3", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2",
    "fcntl", "fcntl64", "pipe", "pipe2", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select", "_newselect", "read", "readv", "write",
    "writev", "pread64", "preadv", "pwrite64", "pwritev", "lseek", "_llseek", "sendfile", "sendfile64", "splice", "inotify_init1", "inotify_add_watch",
    "inotify_rm_watch", "signalfd4", "io_uring_enter",
    /* files */
    "access", "faccessat", "faccessat2", "chdir", "fchmod", "fchmodat", "chmod", "fchown", "fchownat", "fdatasync", "flock", "fstat", "fstat64", "fstatat64",
    "fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "getcwd", "getdents", "getdents64", "link", "linkat", "lstat", "lstat64", "mkdir", "mkdirat",
    "newfstatat", "open", "openat", "openat2", "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "stat64", "statfs", "statfs64",
    "statx", "symlink", "symlinkat", "umask", "unlink", "unlinkat", "utimensat", "fallocate", "fadvise64", "sync_file_range",
    /* sockets; which families, below */
    "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64",
    "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair",
    /* what one is and may */
    "capget", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups", "getgroups32", "getpgid", "getpgrp", "getresgid",
    "getresgid32", "getresuid", "getresuid32", "getsid", "getuid", "getuid32", "getrandom", "getrlimit", "ugetrlimit", "prlimit64", "getrusage", "sysinfo",
    "uname", "seccomp",
};

/* Of those, what a process does that listens, and what one does that opens sockets. */
static const char *const listening[] = {
    "accept", "accept4", "bind", "listen", "inotify_init1", "inotify_add_watch", "inotify_rm_watch", "kill", "wait4", "waitid", "setpriority",
    "sched_setaffinity", "sendfile", "sendfile64", "splice", "signalfd4", "io_uring_enter", "timerfd_create", "timerfd_settime", "timerfd_settime64",
    "timerfd_gettime", "timerfd_gettime64", "chdir", "mkdir", "mkdirat", "rmdir", "symlink", "symlinkat", NULL,
};
static const char *const connecting[] = {
    "socket", "connect", "socketpair", "getpeername", "getsockname", "getsockopt", "setsockopt", "shutdown", "recvmsg", "recvmmsg", "recvmmsg_time64",
    "sendmsg", "sendmmsg", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe", "pipe2", NULL,
};

static const char *const deadly[] = {
    "execve", "execveat", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp", "bpf", "perf_event_open", "userfaultfd",
    "mount", "umount2", "move_mount", "open_tree", "fsopen", "fsmount", "pivot_root", "chroot", "unshare", "setns", "init_module", "finit_module",
    "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "acct", "keyctl", "add_key", "request_key", "open_by_handle_at",
    "setuid", "setuid32", "setgid", "setgid32", "setresuid", "setresuid32", "setresgid", "setresgid32", "setreuid", "setreuid32", "setregid", "setregid32",
    "setgroups", "setgroups32", "capset", "mknod", "mknodat", "personality", "modify_ldt", "iopl", "ioperm",
#ifndef __SANITIZE_ADDRESS__ /* the search for leaks traces its own process */
    "ptrace",
#endif
};

#ifdef __s390__
enum { CLONE_FLAGS_AT = 1 }; /* the stack comes first */
#else
enum { CLONE_FLAGS_AT = 0 };
#endif

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* A call that this processor, or this version of the library, does not have is no failure. */
static int rule(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned n, const struct scmp_arg_cmp *arg)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR || number < 0)
        return 0;
    return seccomp_rule_add_array(filter, action, number, n, arg);
}

static bool is_one_of(const char *name, const char *const *list)
{
    while (*list != NULL && strcmp(*list, name) != 0)
        list++;
    return *list != NULL;
}

static bool is_needed(const char *name, struct sandbox_needs needs)
{
    return (needs.listens || !is_one_of(name, listening)) && (needs.connects || !is_one_of(name, connecting));
}

static int allow_some(scmp_filter_ctx filter, struct sandbox_needs needs)
{
    int rc = 0;
    for (size_t i = 0; needs.connects && i < sizeof(families) / sizeof(families[0]) && rc == 0; i++)
        rc = rule(filter, SCMP_ACT_ALLOW, "socket", 1, &SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i]));
    /* characters put into a terminal run as commands of its user */
    if (rc == 0)
        rc = rule(filter, SCMP_ACT_ALLOW, "ioctl", 1, &SCMP_A1(SCMP_CMP_NE, (scmp_datum_t)TIOCSTI));
#ifdef __SANITIZE_ADDRESS__
    const char *more[] = {"clone", "ptrace"};
    for (size_t i = 0; i < 2 && rc == 0; i++)
        rc = rule(filter, SCMP_ACT_ALLOW, more[i], 0, NULL);
#else
    /* threads, not processes; clone3 hides its flags in memory, and the C library takes clone where it is missing */
    if (rc == 0)
        rc = rule(filter, SCMP_ACT_ALLOW, "clone", 1, &SCMP_CMP(CLONE_FLAGS_AT, SCMP_CMP_MASKED_EQ, CLONE_VM | CLONE_THREAD, CLONE_VM | CLONE_THREAD));
#endif
    return rc;
}

static int build(scmp_filter_ctx filter, struct sandbox_needs needs)
{
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree; an older library has only the list */
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++)
        rc = is_needed(allowed[i], needs) ? rule(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL) : 0;
    for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]) && rc == 0; i++)
        rc = rule(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0, NULL);
    return rc == 0 ? allow_some(filter, needs) : rc;
}

void sandbox_calls(struct sandbox_needs needs, struct sandbox_facts *facts)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int rc = filter != NULL ? build(filter, needs) : -ENOMEM;
    if (rc == 0)
        rc = seccomp_load(filter);
    facts->calls = rc == 0;
    if (rc != 0)
        snprintf(facts->why, sizeof(facts->why), "system calls: no filter (%s)", strerror(-rc));
    seccomp_release(filter);
}
