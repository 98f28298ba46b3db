/* SPDX-License-Identifier: Apache-2.0 */
#include "resolve.h"

#include <netinet/in.h>
#include <string.h>

enum { FOUND_MAX = 64 }; /* of one answer; more are not even looked at */

static void begin_some(struct resolve *r);

static uint64_t now_us(void)
{
    return uv_hrtime() / 1000;
}

static void tell(struct resolve *r)
{
    struct name_answer answer;
    struct name_waiter *w;
    while ((w = name_cache_next_told(r->cache, &answer)) != NULL) {
        struct resolve_ask *ask = (struct resolve_ask *)w;
        ask->on_answer(ask, &answer);
    }
}

/* ---- the timer of those who would take an older answer ---- */

static void arm(struct resolve *r);

static void on_timer(uv_timer_t *timer)
{
    struct resolve *r = timer->data;
    name_cache_on_time(r->cache, now_us());
    tell(r);
    begin_some(r);
    arm(r);
}

static void arm(struct resolve *r)
{
    uint64_t deadline = name_cache_deadline_us(r->cache), now = now_us();
    if (r->stopped || deadline == UINT64_MAX || uv_is_active((uv_handle_t *)&r->timer))
        return; /* a timer that fires too early is set again */
    uv_timer_start(&r->timer, on_timer, deadline > now ? (deadline - now) / 1000 + 1 : 0, 0);
}

/* ---- looking up ---- */

static size_t copy_addresses(const struct addrinfo *found, struct name_address *out, size_t max)
{
    size_t n = 0;
    for (; found != NULL && n < max; found = found->ai_next) {
        if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
            continue;
        struct name_address *a = &out[n++];
        *a = (struct name_address){.v6 = found->ai_family == AF_INET6};
        if (a->v6) {
            const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)found->ai_addr;
            memcpy(a->bytes, &v6->sin6_addr, 16);
            a->scope = v6->sin6_scope_id;
        } else {
            memcpy(a->bytes, &((const struct sockaddr_in *)found->ai_addr)->sin_addr, 4);
        }
    }
    return n;
}

static void end(struct resolve *r, struct name_entry *e, const char *error, const struct addrinfo *found)
{
    struct name_address addresses[FOUND_MAX];
    struct name_list list;
    name_list_arrange(&list, addresses, copy_addresses(found, addresses, FOUND_MAX));
    name_cache_end(r->cache, e, &list, error != NULL ? error : "the name has no address", now_us());
}

static void on_found(void *ctx, void *tag, int error, const struct addrinfo *found)
{
    struct resolve *r = ctx;
    end(r, tag, error == EAI_MEMORY ? name_cache_no_memory : error != 0 ? gai_strerror(error) : NULL, found);
    tell(r);
    begin_some(r);
    arm(r);
}

static void begin_some(struct resolve *r)
{
    struct name_entry *e;
    bool failed = false;
    while (!r->stopped && (e = name_cache_begin(r->cache, now_us())) != NULL) {
        int rc = lookup_begin(r->box, r->look_up, name_cache_host(e), e);
        if (rc != 0) {
            end(r, e, uv_strerror(rc), NULL);
            failed = true;
        }
    }
    if (failed)
        uv_timer_start(&r->timer, on_timer, 0, 0); /* not from here: who asks is not waiting yet */
}

/* ---- for those who ask ---- */

int resolve_init(struct resolve *r, uv_loop_t *loop, lookup_fn look_up)
{
    memset(r, 0, sizeof(*r));
    r->look_up = look_up;
    uv_timer_init(loop, &r->timer);
    r->timer.data = r;
    r->cache = name_cache_new();
    r->box = lookup_box_open(loop, on_found, r);
    return r->cache != NULL && r->box != NULL ? 0 : -1;
}

void resolve_stop(struct resolve *r)
{
    if (r->stopped || r->box == NULL)
        return;
    r->stopped = true;
    uv_close((uv_handle_t *)&r->timer, NULL);
    lookup_box_close(r->box);
    r->box = NULL;
}

void resolve_clear(struct resolve *r)
{
    name_cache_free(r->cache);
    r->cache = NULL;
}

bool resolve_is_held(const struct resolve *r)
{
    return r->stopped && r->cache != NULL && name_cache_running(r->cache) > 0;
}

enum name_verdict resolve_ask(struct resolve *r, const char *host, struct resolve_ask *ask, struct name_answer *answer)
{
    enum name_verdict verdict = name_cache_ask(r->cache, host, &ask->waiter, answer, now_us());
    if (verdict != NAME_WAITS)
        return verdict;
    begin_some(r);
    arm(r);
    return NAME_WAITS;
}

void resolve_leave(struct resolve *r, struct resolve_ask *ask)
{
    name_cache_leave(r->cache, &ask->waiter);
}

void resolve_doubt(struct resolve *r, const char *host)
{
    name_cache_doubt(r->cache, host, now_us());
}
