/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/lifetime.h"

enum {
    SECOND_US = 1000 * 1000,
    SOFT_S = 120, /* before the certificate ends: requests get so long to end by themselves */
    HARD_S = 30,  /* before it ends: also a peer whose clock is ahead has not seen it end yet */
    SPREAD = 1280, /* 128 parts of a tenth */
};

static const char too_old[] = "the connection is older than max_connection_age and its grace";
static const char withdrawn[] = "the SPIFFE agent gives our SVID no longer, or it has expired";
static const char replaced[] = "our certificate on this connection was replaced, and expires within 30 s";

struct lifetime lifetime_unbounded(void)
{
    return (struct lifetime){UINT64_MAX, UINT64_MAX, REASON_CONNECTION_AGE};
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t spread(uint64_t begun_us)
{
    return begun_us * UINT64_C(0x9E3779B97F4A7C15) >> 57; /* 0..127 */
}

struct lifetime lifetime_by_age(const struct lifetime_rule *rule, uint64_t begun_us)
{
    struct lifetime l = lifetime_unbounded();
    if (rule->age_ms == 0)
        return l;
    uint64_t age_us = rule->age_ms * 1000, grace_us = rule->grace_ms == UINT64_MAX ? UINT64_MAX : rule->grace_ms * 1000;
    if (rule->tcp && grace_us == UINT64_MAX)
        grace_us = 0;
    l.soft_us = add(begun_us, age_us - age_us / SPREAD * spread(begun_us));
    l.hard_us = add(l.soft_us, grace_us);
    return l;
}

uint64_t lifetime_least_us(uint64_t age_ms)
{
    return age_ms * 1000 - age_ms * 100;
}

static uint64_t before(int64_t not_after, int64_t seconds, struct moment now)
{
    int64_t left = not_after - seconds - now.utc;
    if (left > INT64_MAX / SECOND_US)
        return UINT64_MAX;
    return left > 0 ? add(now.us, (uint64_t)left * SECOND_US) : now.us;
}

struct lifetime lifetime_by_certificate(int64_t not_after, struct moment now)
{
    return (struct lifetime){before(not_after, SOFT_S, now), before(not_after, HARD_S, now), REASON_CERTIFICATE_REPLACED};
}

struct lifetime lifetime_withdrawn(struct moment now)
{
    return (struct lifetime){now.us, now.us, REASON_IDENTITY_WITHDRAWN};
}

struct lifetime lifetime_shorter(const struct lifetime *a, const struct lifetime *b)
{
    struct lifetime l = a->hard_us <= b->hard_us ? *a : *b;
    l.soft_us = a->soft_us <= b->soft_us ? a->soft_us : b->soft_us;
    return l;
}

const char *lifetime_text(const struct lifetime *l)
{
    return l->reason == REASON_IDENTITY_WITHDRAWN ? withdrawn : l->reason == REASON_CERTIFICATE_REPLACED ? replaced : too_old;
}
