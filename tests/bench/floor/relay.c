/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a proxy with two sockets per client: a relay of plaintext on bare epoll that parses, encrypts and decides nothing. What it costs with
 * many clients is the kernel's share, and that of the load.
 *
 * usage: relay PORT ORIGIN-PORT      on 127.0.0.1; ends with SIGTERM
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 1024, FDS = 1 << 17, PIECE = 64 * 1024 };

static int peers[FDS]; /* of each descriptor; 0: none */
static char piece[PIECE];

static struct sockaddr_in place(const char *port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((unsigned short)strtoul(port, NULL, 10))};
}

static int fail(const char *what)
{
    perror(what);
    return 1;
}

static void watch(int loop, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &e);
}

static void drop(int fd)
{
    close(peers[fd]);
    close(fd);
    peers[peers[fd]] = 0;
    peers[fd] = 0;
}

/* The connection to the origin is made at once: on loopback that does not wait. */
static void join(int loop, int client, const struct sockaddr_in *origin)
{
    int up = client >= 0 ? socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (up < 0 || up >= FDS || client >= FDS || connect(up, (const struct sockaddr *)origin, sizeof(*origin)) != 0) {
        close(up);
        close(client);
        return;
    }
    peers[client] = up;
    peers[up] = client;
    watch(loop, client);
    watch(loop, up);
}

static void pass(int fd)
{
    if (peers[fd] == 0)
        return; /* dropped in the same turn */
    ssize_t n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || send(peers[fd], piece, (size_t)n, MSG_NOSIGNAL) != n)
        drop(fd);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return fprintf(stderr, "usage: relay PORT ORIGIN-PORT\n"), 2;
    struct sockaddr_in here = place(argv[1]), origin = place(argv[2]);
    static struct epoll_event events[EVENTS];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), loop = epoll_create1(EPOLL_CLOEXEC), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, (struct sockaddr *)&here, sizeof(here)) != 0 || listen(listener, 4096) != 0)
        return fail("listen");
    watch(loop, listener);
    for (;;) {
        int n = epoll_wait(loop, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.fd == listener)
                join(loop, accept4(listener, NULL, NULL, SOCK_CLOEXEC), &origin);
            else
                pass(events[i].data.fd);
        }
    }
}
