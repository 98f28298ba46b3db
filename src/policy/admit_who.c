/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that ask who: the calling program, a secret that it has to send, and the rules for its certificate. */
#include "admit_steps.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/policy/required_header.h"

/* ---- the calling program ---- */

bool admit_who_asks_program(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->limits != NULL && at->limits->here != NULL;
}

static enum reason judge_limit(const struct admit_place *at, const struct caller_limit *limit, struct err *err)
{
    if (caller_passes(limit, at->caller))
        return REASON_VALID;
    caller_refuse(limit, at->caller, &at->limits->names, err);
    return REASON_CALLER_NOT_ALLOWED;
}

enum reason admit_who_program(const struct admit_place *at, struct admission *a, struct err *err)
{
    (void)a;
    return judge_limit(at, at->limits->here, err);
}

/* Of several identities the server chooses one later: the program has to be allowed each. */
enum reason admit_who_identities(const struct admit_place *at, size_t route, struct err *err)
{
    const struct caller_limit *const *limit = at->limits != NULL && at->limits->by_route != NULL ? at->limits->by_route[route] : NULL;
    enum reason reason = REASON_VALID;
    for (; limit != NULL && *limit != NULL && reason == REASON_VALID; limit++)
        reason = judge_limit(at, *limit, err);
    return reason;
}

enum reason admit_program(const struct admit_place *at, struct err *err)
{
    return admit_who_asks_program(at, NULL) ? admit_who_program(at, NULL, err) : REASON_VALID;
}

/* ---- a secret ---- */

bool admit_who_asks_header(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->required != NULL && at->tunnel == NULL;
}

enum reason admit_who_header(const struct admit_place *at, struct admission *a, struct err *err)
{
    return required_header_judge(at->required, a->head, err);
}

/* ---- the caller ---- */

/* Rules, perhaps only tried out. */
bool admit_who_lets_pass(const struct admit_place *at, const struct config_allow *rules, size_t n, bool log_only, struct admission *a)
{
    if (allow_permits(rules, n, at->verdict, at->peer))
        return true;
    if (!log_only || !allow_spares(at->verdict))
        return false;
    a->would_refuse = true;
    return true;
}

enum reason admit_who_not_allowed(const struct admit_place *at, const struct config_allow *rules, size_t n, struct err *err)
{
    return reason_refuse(err, REASON_NOT_ALLOWED, allow_why_refused(rules, n, at->peer));
}

bool admit_who_asks_caller(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->n_allow > 0 || at->conf->protocol == CONFIG_PROTOCOL_TCP;
}

enum reason admit_who_caller(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    bool passes = l->n_allow > 0 ? admit_who_lets_pass(at, l->allow, l->n_allow, l->allow_log_only, a) : allow_spares(at->verdict);
    return passes ? REASON_VALID : admit_who_not_allowed(at, l->allow, l->n_allow, err);
}

/* A certificate that was tolerated is for routes that name its status, and for nothing else. */
bool admit_who_is_tolerated(const struct admit_place *at)
{
    return at->verdict != NULL && at->verdict->status != REASON_VALID && at->verdict->status != REASON_NONE;
}
