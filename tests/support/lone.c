/* SPDX-License-Identifier: Apache-2.0 */
#include "lone.h"

#include "mtlsd/proxy/uplink.h"

#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SENT_MAX = 1024 * 1024, SCRATCH = 64 * 1024 };

static size_t send_runs(void *socket, const struct span *runs, size_t n)
{
    struct lone *l = socket;
    size_t sent = 0;
    l->sends = true;
    for (size_t i = 0; i < n; i++) {
        ck_assert_int_eq(bytes_append_span(&l->sent, runs[i]), 0);
        sent += runs[i].len;
    }
    l->sends = false;
    return sent;
}

static bool never_fails(void *socket, struct run_failure *why)
{
    (void)socket;
    (void)why;
    return false;
}

static bool shut(void *socket)
{
    (void)socket;
    return true;
}

static void end_turn(void *socket, bool reads, struct moment now)
{
    (void)socket;
    (void)reads;
    (void)now;
}

static const struct run_driver driver = {.send = send_runs, .has_failed = never_fails, .shut = shut, .end_turn = end_turn};

static struct lone *lone_of(const struct uplink *u)
{
    return (struct lone *)((char *)u->env - offsetof(struct lone, env));
}

static void connect_uplink(struct uplink *u)
{
    lone_of(u)->asked = u;
}

static void on_handshake(void *ctx, const struct handshake_report *r)
{
    (void)ctx;
    (void)r;
}

void lone_open(struct lone *l, const struct plan_target *target, struct moment now)
{
    *l = (struct lone){.now = now};
    l->env.run = (struct run_queue){.drivers = {[LINK_UPLINK] = &driver}, .connect = connect_uplink, .blocks = &l->env.blocks};
    l->env.observer.on_handshake = on_handshake;
    l->env.pool = pool_new(target, 1);
    l->env.scratch = malloc(SCRATCH);
    l->env.scratch_size = SCRATCH;
    ck_assert(l->env.pool != NULL && l->env.scratch != NULL);
    bytes_init(&l->sent, SENT_MAX);
}

static void reap(struct lone *l)
{
    for (struct uplink *u; (u = pool_next_retired(l->env.pool)) != NULL;) {
        if (l->asked == u)
            l->asked = NULL;
        uplink_free(u);
    }
}

void lone_turn(struct lone *l)
{
    pump(&l->env, l->now);
    reap(l);
}

void lone_close(struct lone *l)
{
    if (l->env.pool == NULL)
        return;
    pool_retire_all(l->env.pool);
    reap(l);
    pool_free(l->env.pool);
    free(l->env.scratch);
    bytes_clear(&l->sent);
    l->env.pool = NULL;
}

size_t lone_sent(struct lone *l, char *out, size_t size)
{
    size_t n = l->sent.len;
    ck_assert_uint_lt(n, size);
    if (n > 0)
        memcpy(out, bytes_span(&l->sent).ptr, n);
    out[n] = '\0';
    bytes_clear(&l->sent);
    return n;
}

void lone_connected(struct lone *l)
{
    if (l->asked == NULL)
        return;
    l->asked->link.socket = l;
    uplink_on_connected(l->asked, l->now);
    lone_turn(l);
}

void lone_give(struct lone *l, struct span wire)
{
    if (l->asked != NULL)
        uplink_on_wire(l->asked, wire, l->now);
    lone_turn(l);
}

void lone_end(struct lone *l)
{
    if (l->asked != NULL)
        uplink_on_eof(l->asked, l->now);
    lone_turn(l);
}

void lone_break(struct lone *l, const char *text)
{
    struct run_failure why = {0};
    snprintf(why.text, sizeof(why.text), "%s", text);
    if (l->asked != NULL)
        uplink_on_error(l->asked, &why, l->now);
    lone_turn(l);
}
