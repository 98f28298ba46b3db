/* SPDX-License-Identifier: Apache-2.0 */
#include "admit_steps.h"

#include "mtlsd/base/request_path.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/browser.h"
#include "mtlsd/policy/forward.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_sni.h"

#include <string.h>

enum { OWN_HOPS_MAX = 10 };

void admission_init(struct admission *a)
{
    memset(a, 0, offsetof(struct admission, to)); /* that is large, seldom used, and set with its way */
    a->found.ix = NULL;
    a->way = ADMIT_REFUSED;
    a->choice.index = SIZE_MAX;
    bytes_init(&a->rewritten, ADMIT_REWRITTEN_MAX);
}

void admission_clear(struct admission *a)
{
    bytes_clear(&a->rewritten);
}

int admission_target(const struct admission *a, const struct config_route *route, struct bytes *out)
{
    const char *prefix = route != NULL ? route->strip_prefix : NULL;
    size_t covered = prefix != NULL && a->path.len > 0 ? request_path_covered(prefix, a->path, PATH_AS_SPELLED) : SIZE_MAX;
    if (covered == SIZE_MAX && a->rewritten.len == 0)
        return 0;
    struct span rest = covered == SIZE_MAX ? a->path : span_skip(a->path, covered);
    if (rest.len == 0)
        rest = span_of("/", 1);
    return bytes_append_span(out, rest) != 0 ? -1 : bytes_append_span(out, a->target.query);
}

/* ---- the request, its path and its host ---- */

static enum reason judge_request(const struct admit_place *at, struct admission *a, struct err *err)
{
    (void)at;
    return http_guard_request(a->head, &a->target, err);
}

static bool asks_path(const struct admit_place *at, const struct admission *a)
{
    return at->conf->has_path_rules && a->target.path.len > 0 && a->target.form != HTTP_TARGET_AUTHORITY;
}

static enum reason judge_path(const struct admit_place *at, struct admission *a, struct err *err)
{
    const char *why = http_target_path_refusal(a->path);
    if (why == NULL)
        return REASON_VALID;
    if (!at->conf->normalize_path)
        return reason_refuse(err, REASON_REQUEST_MALFORMED, why);
    if (http_target_normalize(&a->rewritten, a->path, err) != 0)
        return REASON_REQUEST_MALFORMED;
    a->path = bytes_span(&a->rewritten);
    return REASON_VALID;
}

static bool asks_host(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->sni != NULL;
}

/* Checked for every request: a connection that was opened for one host may later ask for another. */
static enum reason judge_host(const struct admit_place *at, struct admission *a, struct err *err)
{
    if (tls_sni_policy(at->sni, a->target.host) == at->policy)
        return REASON_VALID;
    return reason_refuse(err, REASON_MISDIRECTED, "the TLS server name has other rules than this host: use a separate connection for it");
}

/* ---- browsers ---- */

/* The request is one to a proxy, for a host elsewhere. */
static bool names_host(const struct admit_place *at, const struct http_target *t)
{
    return at->tunnel != NULL || t->form == HTTP_TARGET_ABSOLUTE || t->form == HTTP_TARGET_AUTHORITY;
}

static bool asks_browser(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->guards_browsers;
}

static enum reason judge_browser(const struct admit_place *at, struct admission *a, struct err *err)
{
    struct browser_question q = {
        .host = a->target.host,
        .port = a->target.port,
        .absolute = names_host(at, &a->target),
        .local_port = at->local_port,
        .found = &a->found,
    };
    browser_read_fields(a->head, &q);
    return browser_judge(at->conf, &q, err);
}

/* ---- loops ---- */

static bool is_by_us(struct span hop)
{
    const uint8_t *space = memchr(hop.ptr, ' ', hop.len);
    if (space == NULL)
        return false;
    struct span by = span_trim(span_skip(hop, (size_t)(space - hop.ptr)));
    size_t own = strlen(ADMIT_VIA_NAME);
    return by.len >= own && span_equals_nocase_str(span_of(by.ptr, own), ADMIT_VIA_NAME) && (by.len == own || by.ptr[own] == ' ');
}

static bool asks_loop(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->forward_proxy.present;
}

/* RFC 9110 section 7.6.3 has Via for this. Several of us in a row are no loop. */
static enum reason judge_loop(const struct admit_place *at, struct admission *a, struct err *err)
{
    unsigned n = 0;
    (void)at;
    for (size_t i = 0; i < a->head->n_fields; i++) {
        struct span hops = a->head->fields[i].value, hop;
        if (!span_equals_nocase_str(a->head->fields[i].name, "via"))
            continue;
        while (span_next_in_list(&hops, &hop))
            n += is_by_us(hop) ? 1 : 0;
    }
    return n <= OWN_HOPS_MAX ? REASON_VALID
                             : reason_refuse(err, REASON_REQUEST_MALFORMED, "the request passed mtlsd too often: a proxy sends it back here");
}

/* ---- one after the other ---- */

static const struct step {
    bool (*asks)(const struct admit_place *at, const struct admission *a); /* NULL: always */
    enum reason (*judge)(const struct admit_place *at, struct admission *a, struct err *err);
} steps[ADMIT_STEPS] = {
    [ADMIT_REQUEST] = {NULL, judge_request},         [ADMIT_PATH] = {asks_path, judge_path}, [ADMIT_HOST] = {asks_host, judge_host},
    [ADMIT_BROWSER] = {asks_browser, judge_browser}, [ADMIT_LOOP] = {asks_loop, judge_loop}, [ADMIT_PROGRAM] = {admit_who_asks_program, admit_who_program},
    [ADMIT_HEADER] = {admit_who_asks_header, admit_who_header}, [ADMIT_CALLER] = {admit_who_asks_caller, admit_who_caller},
    [ADMIT_ROUTE] = {NULL, admit_where_route},             [ADMIT_DESTINATION] = {admit_where_asks_destination, admit_where_destination},
};

/* For people, in words that stay. */
static enum reason judge_traced(enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    struct admit_said *said = &trace->said[step];
    bool would_refuse = a->would_refuse;
    said->asked = true;
    a->would_refuse = false;
    said->reason = steps[step].judge(at, a, &said->err);
    said->would_refuse = a->would_refuse;
    said->way = a->way;
    a->would_refuse = a->would_refuse || would_refuse;
    if (said->reason != REASON_VALID)
        err_set(err, said->err.kind, "%s", said->err.text);
    return said->reason;
}

/* REASON_VALID where the step is not asked. */
static inline enum reason take(enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    if (steps[step].asks != NULL && !steps[step].asks(at, a))
        return REASON_VALID;
    return trace == NULL ? steps[step].judge(at, a, err) : judge_traced(step, at, a, trace, err);
}

/* The first refusal stays; after it only a trace is a reason to go on. */
static inline enum reason then(enum reason so_far, enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    if (so_far != REASON_VALID && trace == NULL)
        return so_far;
    enum reason said = take(step, at, a, trace, err);
    return so_far == REASON_VALID ? said : so_far;
}

enum reason admit_request(const struct admit_place *at, const struct http_head *head, struct admission *out, struct admit_trace *trace, struct err *err)
{
    out->head = head;
    out->method = head->method;
    enum reason reason = take(ADMIT_REQUEST, at, out, trace, err);
    if (reason != REASON_VALID)
        return reason;
    out->path = out->target.path;
    route_index_find(at->by_host, out->target.host, &out->found);
    reason = then(reason, ADMIT_PATH, at, out, trace, err);
    reason = then(reason, ADMIT_HOST, at, out, trace, err);
    reason = then(reason, ADMIT_BROWSER, at, out, trace, err);
    reason = then(reason, ADMIT_LOOP, at, out, trace, err);
    reason = then(reason, ADMIT_PROGRAM, at, out, trace, err);
    reason = then(reason, ADMIT_HEADER, at, out, trace, err);
    reason = then(reason, ADMIT_CALLER, at, out, trace, err);
    reason = then(reason, ADMIT_ROUTE, at, out, trace, err);
    reason = then(reason, ADMIT_DESTINATION, at, out, trace, err);
    if (reason == REASON_VALID && out->way == ADMIT_REFUSED)
        reason = reason_refuse(err, REASON_INTERNAL, "nothing was decided");
    if (reason != REASON_VALID)
        out->way = ADMIT_REFUSED;
    return reason;
}

enum reason admit_caller(const struct admit_place *at, struct admission *out, struct admit_trace *trace, struct err *err)
{
    return then(take(ADMIT_PROGRAM, at, out, trace, err), ADMIT_CALLER, at, out, trace, err);
}

static enum reason run_on(const struct admit_place *at, struct span method, const struct http_target *asked, struct admission *a, struct err *err)
{
    admission_init(a);
    a->method = method;
    a->target = *asked;
    a->path = asked->path;
    route_index_find(at->by_host, asked->host, &a->found);
    enum reason reason = take(ADMIT_PATH, at, a, NULL, err);
    reason = then(reason, ADMIT_HOST, at, a, NULL, err);
    reason = then(reason, ADMIT_PROGRAM, at, a, NULL, err);
    reason = then(reason, ADMIT_CALLER, at, a, NULL, err);
    return then(reason, ADMIT_ROUTE, at, a, NULL, err);
}

enum reason admit_running_direct(const struct admit_place *at, struct span method, const struct http_target *asked, bool public_only, struct err *err)
{
    struct admission a;
    enum reason reason = run_on(at, method, asked, &a, err);
    if (reason == REASON_VALID && a.way == ADMIT_SNIFFED) {
        struct forward_verdict v = forward_judge(at->conf, FORWARD_TLS, asked->host, asked->port, err);
        a.way = v.way == FORWARD_DIRECT ? ADMIT_BLIND : ADMIT_REFUSED;
        a.public_only = v.public_only;
    }
    bool direct = a.way == ADMIT_DIRECT || a.way == ADMIT_BLIND;
    if (reason == REASON_VALID && (!direct || (a.public_only && !public_only)))
        reason = reason_refuse(err, REASON_NOT_ALLOWED, "the forward proxy does not lead there any more");
    admission_clear(&a);
    return reason;
}

enum reason admit_running(const struct admit_place *at, struct span method, const struct http_target *asked, struct err *err)
{
    struct admission a;
    enum reason reason = run_on(at, method, asked, &a, err);
    if (reason == REASON_VALID && (a.way != ADMIT_BY_ROUTE || !admit_where_forwards(&at->conf->routes[a.choice.index])))
        reason = reason_refuse(err, REASON_NOT_ALLOWED, "no route admit_where_forwards it any more");
    admission_clear(&a);
    return reason;
}

enum reason admit_name(const struct admit_place *at, struct span name, size_t *route, struct err *err)
{
    const struct route_question q = {.host = name};
    struct route_choice choice;
    struct route_runs found;
    route_index_find(at->by_host, name, &found);
    enum reason program = admit_program(at, err), reason = route_index_choose(&found, at->conf->routes, at->conf->n_routes, &q, &choice);
    *route = choice.index;
    if (program != REASON_VALID || reason != REASON_VALID)
        return program != REASON_VALID ? program : reason_refuse(err, reason, "no route is for the client's server name");
    return admit_who_identities(at, choice.index, err);
}
