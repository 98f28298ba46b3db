/* SPDX-License-Identifier: Apache-2.0 */
#include "caller_ask.h"
#include "peer_address.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 4096, ANSWERS_MAX = 8 /* older ones, of questions that nothing waits for any more */ };

static const char overflow[] = "its user has no number in our user namespace (65534)";

static void judge_id(struct caller *c, uint32_t uid)
{
    c->uid = uid;
    c->known = uid != CALLER_OVERFLOW_ID && uid != UINT32_MAX;
    c->why = c->known ? NULL : overflow;
}

/* ---- unix sockets ---- */

/* Of the process that has this number now: for people. */
static void read_program(struct caller *c, pid_t pid)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    int fd = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, c->program, sizeof(c->program) - 1);
    close(fd);
    c->program[n > 0 ? n : 0] = '\0';
    c->program[strcspn(c->program, "\n")] = '\0';
    for (char *p = c->program; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            *p = '?';
}

/* The groups of the process beside the first; 0: they cannot be told, as before Linux 4.13. */
static size_t count_groups(int fd)
{
    socklen_t size = 0;
    return getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) != 0 && errno == ERANGE ? size / sizeof(gid_t) : 0;
}

static struct caller *ask_unix(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);
    size_t n = count_groups(fd);
    struct caller *c = caller_new(n + 1);
    if (c == NULL)
        return NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof(peer)) {
        c->why = "the kernel does not know the process at the other end";
        return c;
    }
    socklen_t room = (socklen_t)(n * sizeof(gid_t));
    bool have = n > 0 && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, &c->gids[1], &room) == 0;
    c->gids[0] = peer.gid;
    c->n_gids = have ? 1 + room / sizeof(gid_t) : 1;
    c->groups_known = true;
    judge_id(c, peer.uid);
    read_program(c, peer.pid);
    return c;
}

/* ---- loopback ---- */

static bool is_loopback(const uint8_t *ip, bool v6)
{
    static const uint8_t one[16] = {[15] = 1};
    return v6 ? memcmp(ip, one, sizeof(one)) == 0 : ip[0] == 127;
}

/* Both ends of a connection that still stands. */
static bool read_ends(int fd, struct client_address *out)
{
    struct sockaddr_storage peer = {0}, own = {0};
    socklen_t n = sizeof(peer), m = sizeof(own);
    if (getpeername(fd, (struct sockaddr *)&peer, &n) != 0 || getsockname(fd, (struct sockaddr *)&own, &m) != 0)
        return false;
    peer_address_fill(out, &peer, &own);
    return out->known;
}

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

/* The client's socket: what is its own address is our peer's. */
static void write_question(struct question *q, const struct client_address *ends, uint32_t sequence)
{
    size_t n = ends->v6 ? 16 : 4;
    *q = (struct question){
        .head = {.nlmsg_len = sizeof(*q), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = sequence},
        .body = {.sdiag_family = ends->v6 ? AF_INET6 : AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX,
                 .id = {.idiag_sport = htons(ends->peer_port), .idiag_dport = htons(ends->local_port),
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    memcpy(q->body.id.idiag_src, ends->peer, n);
    memcpy(q->body.id.idiag_dst, ends->local, n);
}

/* An IPv6 socket that speaks IPv4 says so, also where it was asked for by its IPv4 address. */
static bool is_address(const __be32 said[4], uint8_t family, const uint8_t *ip, bool v6)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t bytes[16];
    memcpy(bytes, said, sizeof(bytes));
    if (v6 || family == AF_INET)
        return family == (v6 ? AF_INET6 : AF_INET) && memcmp(bytes, ip, v6 ? 16 : 4) == 0;
    bool plain = memcmp(bytes, ip, 4) == 0 && memcmp(bytes + 4, (uint8_t[12]){0}, 12) == 0;
    return plain || (memcmp(bytes, mapped, sizeof(mapped)) == 0 && memcmp(bytes + sizeof(mapped), ip, 4) == 0);
}

/* The kernel gives a listening socket of that port where it finds no connection. */
static bool is_of_connection(const struct inet_diag_msg *m, const struct client_address *ends)
{
    return m->id.idiag_sport == htons(ends->peer_port) && m->id.idiag_dport == htons(ends->local_port) &&
           is_address(m->id.idiag_src, m->idiag_family, ends->peer, ends->v6) && is_address(m->id.idiag_dst, m->idiag_family, ends->local, ends->v6);
}

static bool is_open(const struct inet_diag_msg *m)
{
    bool stands = m->idiag_state == TCP_ESTABLISHED || m->idiag_state == TCP_CLOSE_WAIT || m->idiag_state == TCP_FIN_WAIT1 ||
                  m->idiag_state == TCP_FIN_WAIT2 || m->idiag_state == TCP_CLOSING || m->idiag_state == TCP_LAST_ACK;
    return stands && m->idiag_inode != 0;
}

static void take_answer(struct caller *c, const struct nlmsghdr *h, const struct client_address *ends)
{
    const void *body = NLMSG_DATA(h);
    if (h->nlmsg_type == NLMSG_ERROR && h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
        int error = -((const struct nlmsgerr *)body)->error;
        bool unsure = error == ENOENT || error == EINVAL; /* of a kernel without the module, and of one without the socket */
        c->why = unsure ? "no socket of this network namespace has its address and port (it was closed, or the kernel lacks the module tcp_diag)"
                        : "the kernel does not say who owns sockets: load its modules inet_diag and tcp_diag";
        return;
    }
    if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
        return;
    const struct inet_diag_msg *m = body;
    if (!is_of_connection(m, ends))
        c->why = "no socket of this network namespace has its address and port";
    else if (!is_open(m))
        c->why = "its program has closed the connection";
    else
        judge_id(c, m->idiag_uid);
}

/* One datagram. False: none is there, or none of the kernel's. */
static bool receive(int netlink, void *room, size_t size, ssize_t *n)
{
    struct sockaddr_nl from = {0};
    socklen_t from_len = sizeof(from);
    do
        *n = recvfrom(netlink, room, size, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
    while (*n < 0 && errno == EINTR);
    return *n >= (ssize_t)sizeof(struct nlmsghdr) && from.nl_pid == 0;
}

static int open_netlink(struct caller_asker *a)
{
    if (a->fd == 0)
        a->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG) + 1;
    return a->fd - 1;
}

static void ask_kernel(struct caller_asker *a, struct caller *c, const struct client_address *ends)
{
    _Alignas(struct nlmsghdr) char room[ANSWER_BYTES];
    struct question q;
    ssize_t n;
    int netlink = open_netlink(a);
    c->why = "the kernel does not answer questions about sockets: let mtlsd use AF_NETLINK, and load the modules inet_diag and tcp_diag";
    write_question(&q, ends, ++a->sequence);
    if (netlink < 0 || send(netlink, &q, sizeof(q), 0) != (ssize_t)sizeof(q))
        return;
    for (int i = 0; i < ANSWERS_MAX && receive(netlink, room, sizeof(room), &n); i++) {
        const struct nlmsghdr *h = (const struct nlmsghdr *)(const void *)room;
        if (h->nlmsg_len <= (size_t)n && h->nlmsg_seq == a->sequence) {
            take_answer(c, h, ends);
            return;
        }
    }
}

static struct caller *ask_tcp(struct caller_asker *a, int fd)
{
    struct client_address ends, after;
    struct caller *c = caller_new(0);
    if (c == NULL)
        return NULL;
    if (!read_ends(fd, &ends))
        c->why = "its program has closed the connection";
    else if (!is_loopback(ends.peer, ends.v6) || !is_loopback(ends.local, ends.v6))
        c->why = "it does not come over a loopback address";
    else
        ask_kernel(a, c, &ends);
    /* While our end stands, no other connection can have these addresses and ports: else it may be another one's socket that was found. */
    if (c->known && !read_ends(fd, &after)) {
        c->known = false;
        c->why = "its program has closed the connection";
    }
    return c;
}

struct caller *caller_ask(struct caller_asker *a, int fd, bool tcp)
{
    return tcp ? ask_tcp(a, fd) : ask_unix(fd);
}

void caller_asker_clear(struct caller_asker *a)
{
    if (a->fd > 0)
        close(a->fd - 1);
    *a = (struct caller_asker){0};
}
