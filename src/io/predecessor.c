/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/predecessor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_FD = 3, CHANNEL_FD, FIRST_SOCKET, KINDS = HANDOVER_OTHER + 1, READ_AT_ONCE = 4096, MEMORY_MAX = 256 * 1024 };

struct predecessor {
    int channel; /* -1: closed */
    struct inherited *kinds[KINDS]; /* owned; NULL: none of this kind */
    struct bytes memory;            /* lines that it said when we were let go */
};

/* ---- taking ---- */

static int read_list(struct bytes *out, struct err *err)
{
    struct stat st;
    if (fstat(LIST_FD, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > HANDOVER_TEXT_MAX)
        return err_set(err, ERR_IO, "descriptor %d is no list of sockets", LIST_FD);
    size_t size = (size_t)st.st_size;
    uint8_t *room = bytes_reserve(out, size + 1);
    if (room == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    ssize_t n = pread(LIST_FD, room, size, 0);
    if (n < 0 || (size_t)n != size)
        return err_set(err, ERR_IO, "the list of sockets cannot be read: %s", strerror(errno));
    bytes_commit(out, size);
    return 0;
}

/* Each kind has its descriptors one after the other. */
static int sort(struct predecessor *p, const struct handover_list *list, struct err *err)
{
    for (size_t i = 0, n; i < list->n; i += n) {
        enum handover_kind kind = list->kinds[i];
        for (n = 1; i + n < list->n && list->kinds[i + n] == kind; n++)
            ;
        if (p->kinds[kind] != NULL)
            return err_set(err, ERR_PROTOCOL, "the list of sockets is not in order");
        if ((p->kinds[kind] = inherited_of(list->names + i, n, FIRST_SOCKET + (int)i)) == NULL)
            return err_set(err, ERR_MEMORY, "out of memory");
    }
    return 0;
}

static int take(struct predecessor *p, struct err *err)
{
    struct bytes text;
    struct handover_list list;
    bytes_init(&text, HANDOVER_TEXT_MAX + 1);
    int rc = read_list(&text, err);
    if (rc == 0)
        rc = handover_list_read(&list, bytes_span(&text), err);
    bytes_clear(&text);
    if (rc != 0)
        return -1;
    rc = list.parent == (long)getppid() ? sort(p, &list, err) : err_set(err, ERR_IO, "the sockets are for a process that process %ld starts itself", list.parent);
    handover_list_clear(&list);
    return rc;
}

int predecessor_take(struct predecessor **out, struct err *err)
{
    const char *value = getenv("MTLSD_HANDOVER");
    *out = NULL;
    if (value == NULL)
        return 0;
    bool known = strcmp(value, "3,4") == 0;
    unsetenv("MTLSD_HANDOVER");
    if (!known)
        return err_set(err, ERR_IO, "MTLSD_HANDOVER: only mtlsd sets it, for a process that takes its place: remove it from the environment");
    struct predecessor *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    bytes_init(&p->memory, MEMORY_MAX);
    p->channel = CHANNEL_FD;
    fcntl(CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    struct err why = {0};
    int rc = take(p, &why);
    close(LIST_FD);
    if (rc == 0) {
        *out = p;
        return 0;
    }
    predecessor_fail(p, why.text);
    predecessor_free(p);
    return err_set(err, why.kind, "MTLSD_HANDOVER: %s", why.text);
}

void predecessor_free(struct predecessor *p)
{
    if (p == NULL)
        return;
    for (int i = 0; i < KINDS; i++)
        inherited_free(p->kinds[i]);
    if (p->channel >= 0)
        close(p->channel);
    bytes_clear(&p->memory);
    free(p);
}

/* ---- its sockets ---- */

struct inherited *predecessor_passed(struct predecessor *p)
{
    struct inherited *passed = p != NULL ? p->kinds[HANDOVER_PASSED] : NULL;
    if (p != NULL)
        p->kinds[HANDOVER_PASSED] = NULL;
    return passed;
}

const struct inherited *predecessor_listeners(const struct predecessor *p)
{
    return p != NULL ? p->kinds[HANDOVER_LISTEN] : NULL;
}

int predecessor_fd(const struct predecessor *p, enum handover_kind kind, const char *name)
{
    int fd = p != NULL ? inherited_fd(p->kinds[kind], name, 0) : -1;
    return fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
}

/* ---- taking over ---- */

static void say(struct predecessor *p, const char *word, const char *text)
{
    char line[480];
    int n = snprintf(line, sizeof(line) - 1, "%s %s", word, text);
    size_t len = n < 0 ? 0 : (size_t)n < sizeof(line) - 2 ? (size_t)n : sizeof(line) - 2;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[len++] = '\n';
    if (p->channel < 0 || send(p->channel, line, len, MSG_NOSIGNAL) < 0)
        return; /* then it is gone, or will see that we are */
}

/* If the other process has ended without a word, its sockets are here, and no other process serves them. */
int predecessor_wait(struct predecessor *p, const char *version, struct err *err)
{
    static const char go[] = "go\n";
    ssize_t n = 1;
    if (p == NULL)
        return 0;
    say(p, "ready", version);
    while (n > 0 || (n < 0 && errno == EINTR)) {
        struct span said = bytes_span(&p->memory);
        if (said.len >= 3 && memcmp(said.ptr + said.len - 3, go, 3) == 0 && (said.len == 3 || said.ptr[said.len - 4] == '\n'))
            return 0;
        uint8_t *room = bytes_reserve(&p->memory, READ_AT_ONCE);
        if (room == NULL)
            return err_set(err, ERR_MEMORY, "the process that is to be replaced says too much");
        n = recv(p->channel, room, READ_AT_ONCE, 0);
        if (n > 0)
            bytes_commit(&p->memory, (size_t)n);
    }
    return 0;
}

struct span predecessor_memory(const struct predecessor *p)
{
    return p != NULL ? bytes_span(&p->memory) : span_of(NULL, 0);
}

static void remove_unused(const struct inherited *sockets, bool (*is_used)(void *ctx, const char *name), void *ctx)
{
    static const char prefix[] = "unix:";
    const char *name;
    for (size_t i = 0; (name = inherited_name(sockets, i)) != NULL; i++) {
        struct stat st;
        const char *path = strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : name;
        if (path[0] == '/' && !is_used(ctx, name) && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
            unlink(path);
    }
}

void predecessor_settle(const struct predecessor *p, bool (*is_used)(void *ctx, const char *name), void *ctx)
{
    if (p == NULL)
        return;
    remove_unused(p->kinds[HANDOVER_LISTEN], is_used, ctx);
    remove_unused(p->kinds[HANDOVER_ADMIN], is_used, ctx);
}

void predecessor_fail(struct predecessor *p, const char *why)
{
    if (p == NULL || p->channel < 0)
        return;
    say(p, "failed", why);
    close(p->channel);
    p->channel = -1;
}
