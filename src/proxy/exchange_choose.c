/* SPDX-License-Identifier: Apache-2.0 */
/* Which target of its upstream an exchange goes to, by the balance, the client's session and what has failed. */
#include "exchange_internal.h"

#include "mtlsd/http/http_cookie.h"
#include "mtlsd/http/http_parameter.h"
#include "mtlsd/policy/balance.h"
#include "mtlsd/policy/sticky.h"

#include <string.h>

enum { TRIED_BITS = 64 };

uint64_t exchange_draw(struct proxy_env *env)
{
    uint64_t n = env->random += UINT64_C(0x9e3779b97f4a7c15);
    n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ^ n >> 31;
}

/* By the client's certificate, or by its address where it has none. */
static uint64_t key_of(const struct exchange *x, bool *by_certificate)
{
    struct tls_facts facts = {0};
    if (x->client->link.tls != NULL)
        tls_engine_facts(x->client->link.tls, &facts);
    *by_certificate = facts.peer != NULL;
    const char *text = facts.peer != NULL ? facts.peer->sha256 : x->client->who.address.text;
    return balance_hash(text, strlen(text));
}

static struct balancer_wish make_wish(struct exchange *x, const struct config_upstream *conf)
{
    struct balancer_wish wish = {.sticky = x->way.named, .tried = x->way.tried};
    bool by_certificate = false;
    if (conf->n_targets < 2)
        return wish;
    wish.number = exchange_draw(x->client->env);
    if (conf->balance == CONFIG_BALANCE_HASH || conf->sticky == CONFIG_STICKY_CLIENT_CERT)
        wish.key = key_of(x, &by_certificate);
    wish.by_key = conf->sticky == CONFIG_STICKY_CLIENT_CERT && by_certificate;
    return wish;
}

void exchange_tell_target(struct exchange *x, enum target_event what)
{
    const struct observer *observer = &x->client->env->observer;
    if (observer->on_target != NULL)
        observer->on_target(observer->ctx, x->way.target, what);
}

void exchange_leave_target(struct exchange *x)
{
    if (!x->way.on_target)
        return;
    x->way.on_target = false;
    balancer_end(x->client->env->balancer, x->way.target);
    exchange_tell_target(x, TARGET_ENDED);
}

static bool choose(struct exchange *x, struct moment now)
{
    if (x->way.route == NULL || x->way.route->upstream == NULL)
        return false;
    const struct plan_upstream *up = x->way.route->upstream;
    struct balancer_wish wish = make_wish(x, up->conf);
    const struct plan_target *t = balancer_choose(x->client->env->balancer, up, &wish, now.us);
    if (t == NULL)
        return false;
    exchange_leave_target(x);
    x->way.target = t;
    x->way.dial = (struct dial){.target = t, .address = up->conf->proxy_text != NULL ? &up->conf->proxy : &t->conf->address};
    balancer_begin(x->client->env->balancer, t);
    x->way.on_target = true;
    exchange_tell_target(x, TARGET_BEGUN);
    return true;
}

bool exchange_choose(struct exchange *x, struct moment now)
{
    if (exchange_forward_is_direct(x)) {
        exchange_forward_choose(x);
        return true;
    }
    balancer_earn(x->client->env->balancer, x->way.route->upstream);
    return choose(x, now);
}

bool exchange_choose_next(struct exchange *x, struct moment now)
{
    size_t i = (size_t)(x->way.target - x->way.target->upstream->targets);
    x->way.tried |= UINT64_C(1) << (i < TRIED_BITS ? i : TRIED_BITS - 1);
    return choose(x, now);
}

/* ---- sessions ---- */

/* A client without cookies has its session in the path (";jsessionid=0123.worker1"). Where both name a target the cookie counts. */
static size_t find_named(const struct config_upstream *conf, const struct admission *a)
{
    struct span cookie = http_cookie_find(a->head, conf->sticky_cookie);
    size_t i = cookie.ptr != NULL ? sticky_find(conf, cookie) : SIZE_MAX;
    if (i != SIZE_MAX || conf->sticky != CONFIG_STICKY_SUFFIX)
        return i;
    struct span parameter = http_parameter_find(a->target.path, conf->sticky_cookie);
    return parameter.ptr != NULL ? sticky_find(conf, parameter) : SIZE_MAX;
}

void exchange_read_session(struct exchange *x, const struct admission *a)
{
    if (x->way.route == NULL)
        return;
    const struct plan_upstream *up = x->way.route->upstream;
    if (up->conf->sticky != CONFIG_STICKY_SUFFIX && up->conf->sticky != CONFIG_STICKY_INSERT)
        return;
    size_t i = find_named(up->conf, a);
    x->way.named = i < up->n_targets ? &up->targets[i] : NULL;
}

int exchange_session_field(const struct exchange *x, struct bytes *out)
{
    const struct config_upstream *conf = x->way.target->upstream->conf;
    if (conf->sticky != CONFIG_STICKY_INSERT || x->way.target == x->way.named)
        return 0;
    return sticky_set_cookie(out, conf, x->way.target->conf, x->client->link.tls != NULL);
}
