/* SPDX-License-Identifier: Apache-2.0 */
#include "explain_sheet.h"

#include "mtlsd/base/text.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_engine.h"

const char *explain_sheet_stage(unsigned stage)
{
    static const char *const words[EXPLAIN_STAGES] = {"handshake", "request", "path", "host", "browser", "loop", "caller", "routes"};
    return stage < EXPLAIN_STAGES ? words[stage] : "";
}

const char *explain_sheet_action(enum explain_action action)
{
    static const char *const words[] = {"refuse", "none", "forward", "redirect", "respond", "tunnel", "direct", "bytes"};
    return words[action];
}

const char *explain_sheet_form(enum http_target_form form)
{
    static const char *const words[] = {"origin", "absolute", "authority", "asterisk"};
    return words[form];
}

/* A page being written; the first failure stays. */
struct page {
    struct bytes *out;
    int rc;
};

static void label(struct page *p, const char *word)
{
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%-12s", word);
}

static void plain(struct page *p, const char *text)
{
    if (p->rc == 0)
        p->rc = bytes_append_str(p->out, text);
}

static void number(struct page *p, const char *before, unsigned value)
{
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%s%u", before, value);
}

/* Text that a request, a certificate or the configuration holds: what is not printable is escaped, so that it cannot move a cursor. A '%' stays
 * one, because a path is to be read as it was written. */
static void safe_span(struct page *p, struct span s)
{
    for (size_t i = 0; i < s.len && p->rc == 0; i++)
        p->rc = s.ptr[i] == '%' ? bytes_append_str(p->out, "%") : text_append_percent(p->out, span_of(s.ptr + i, 1));
}

static void safe(struct page *p, const char *text)
{
    safe_span(p, span_from_str(text));
}

static void line(struct page *p, const char *word, const char *text)
{
    label(p, word);
    safe(p, text);
    plain(p, "\n");
}

/* ---- what was asked ---- */

static void request_text(struct page *p, const struct explain *e)
{
    if (e->head == NULL)
        return;
    label(p, "request");
    safe_span(p, e->head->method);
    plain(p, " ");
    safe_span(p, e->head->target);
    number(p, " HTTP/1.", e->head->minor);
    plain(p, "\n");
    if (!e->has_target)
        return;
    label(p, "");
    plain(p, explain_sheet_form(e->admission.target.form));
    plain(p, " form, host ");
    safe_span(p, e->admission.target.host);
    if (e->admission.target.port != 0)
        number(p, ", port ", e->admission.target.port);
    struct span path = e->admission.path;
    plain(p, path.len > 0 ? ", path " : "");
    safe_span(p, path);
    plain(p, "\n");
}

static void certificate_text(struct page *p, const struct explain *e)
{
    if (e->trust == NULL || e->verdict.status == REASON_NONE)
        return;
    line(p, "certificate", e->peer != NULL ? e->peer->subject : "cannot be parsed");
    label(p, "");
    plain(p, "status ");
    plain(p, reason_word(e->verdict.status));
    number(p, ", OpenSSL's number ", (unsigned)e->verdict.openssl_error);
    plain(p, "\n");
    for (enum reason r = REASON_NONE; r < REASON_COUNT; r++) {
        if ((e->verdict.all & (UINT64_C(1) << r)) == 0)
            continue;
        label(p, "");
        plain(p, "- ");
        plain(p, reason_word(r));
        plain(p, ": ");
        plain(p, reason_row(r)->title);
        plain(p, "\n");
    }
}

static void steps_text(struct page *p, const struct explain *e)
{
    for (unsigned i = 0; i < EXPLAIN_ROUTES; i++) {
        const struct explain_step *step = &e->steps[i];
        if (!step->asked)
            continue;
        label(p, explain_sheet_stage(i));
        plain(p, step->reason == REASON_VALID ? "passes: " : "REFUSED: ");
        safe(p, step->text);
        plain(p, "\n");
    }
}

/* ---- the routes ---- */

static const char *route_word(const struct explain *e, size_t i)
{
    const struct explain_route *r = &e->routes[i];
    if (!e->has_target)
        return r->caller_miss == ROUTE_MATCHES ? "takes this caller" : "not this caller";
    if (r->miss != ROUTE_MATCHES)
        return "no match";
    if (r->also)
        return e->admission.choice.index == SIZE_MAX ? "does not decide alone" : "must let it pass too";
    if (e->admission.choice.index == SIZE_MAX)
        return "is not asked";
    if (i == e->admission.choice.index)
        return e->stopped < EXPLAIN_ROUTES ? "would decide" : "DECIDES";
    return "would match, if it came first";
}

static void detail(struct page *p, const char *word, const char *text)
{
    plain(p, "              ");
    plain(p, word);
    plain(p, text[0] != '\0' ? ": " : "");
    safe(p, text);
    plain(p, "\n");
}

static void route_text(struct page *p, const struct explain_sheet *s, size_t i)
{
    const struct explain *e = s->answer;
    const struct explain_route *r = &e->routes[i];
    const char *why = e->has_target ? r->why : r->caller_why;
    label(p, i == 0 ? "routes" : "");
    safe(p, r->where);
    plain(p, "  ");
    plain(p, route_word(e, i));
    plain(p, why[0] != '\0' ? ": " : "");
    safe(p, why);
    plain(p, "\n");
    bool shows_caller = s->ask->n_ders > 0 || !e->has_target;
    bool of_caller = r->conf->cert != 0 || r->conf->n_caller > 0;
    if (shows_caller && of_caller && e->has_target && r->miss != r->caller_miss)
        detail(p, r->caller_miss == ROUTE_MATCHES ? "it would take this caller" : "nor this caller", r->caller_why);
    if (r->gate != EXPLAIN_NO_GATE && (shows_caller || i == e->admission.choice.index || r->also))
        detail(p, r->gate == EXPLAIN_GATE_OPEN ? "its allow lets this caller pass" : "its allow does not let this caller pass", r->gate_why);
}

/* ---- the answer ---- */

static void targets_text(struct page *p, const struct config_upstream *up)
{
    plain(p, "forwarded to upstream ");
    safe(p, up->name);
    plain(p, " at ");
    safe(p, up->where);
    for (size_t i = 0; i < up->n_targets; i++) {
        plain(p, i == 0 ? ": " : ", ");
        safe(p, up->targets[i].text);
    }
    plain(p, "\n");
}

static bool drops_overrides(const struct config_listener *l)
{
    return l->has_path_rules || l->has_method_rules;
}

static void dropped_text(struct page *p, const struct http_head *head, const struct config_listener *l)
{
    for (size_t i = 0; i < head->n_fields; i++) {
        bool owned = http_guard_is_owned(head->fields[i].name);
        if (!owned && !(drops_overrides(l) && http_guard_is_override(head->fields[i].name)))
            continue;
        label(p, "");
        plain(p, "drops ");
        safe_span(p, head->fields[i].name);
        plain(p, owned ? ": no client may say who it is\n" : ": no field replaces the path or the method that routes look at\n");
    }
}

static void edits_text(struct page *p, const struct config_route *route)
{
    for (size_t i = 0; i < route->n_set_headers; i++) {
        label(p, "");
        plain(p, "sets ");
        safe(p, route->set_headers[i].name);
        plain(p, ": ");
        safe(p, route->set_headers[i].value);
        plain(p, "\n");
    }
    for (size_t i = 0; i < route->remove_headers.n; i++) {
        label(p, "");
        plain(p, "removes ");
        safe(p, route->remove_headers.items[i]);
        plain(p, "\n");
    }
}

static void added_text(struct page *p, const struct config_listener *l)
{
    if (l->identity_headers & CONFIG_HEADERS_RFC9440)
        line(p, "", "adds the identity fields of rfc9440");
    if (l->identity_headers & CONFIG_HEADERS_X_SSL)
        line(p, "", "adds the identity fields of x-ssl");
    if (l->identity_headers & CONFIG_HEADERS_NGINX)
        line(p, "", "adds the identity fields of nginx");
    if (l->identity_headers & CONFIG_HEADERS_XFCC && l->xfcc != CONFIG_XFCC_SANITIZE)
        line(p, "", l->xfcc == CONFIG_XFCC_SANITIZE_SET ? "adds X-Forwarded-Client-Cert" : "passes X-Forwarded-Client-Cert of a verified caller on");
    if (l->forwarded != CONFIG_FORWARDED_OFF)
        line(p, "", l->forwarded == CONFIG_FORWARDED_X ? "adds X-Forwarded-For and its kin" : "adds Forwarded");
}

static void forward_text(struct page *p, const struct explain_sheet *s)
{
    const struct explain *e = s->answer;
    const struct plan_route *route = &s->ask->listener->routes[e->admission.choice.index];
    targets_text(p, route->upstream->conf);
    label(p, "");
    plain(p, "as ");
    safe_span(p, e->head->method);
    plain(p, " ");
    safe_span(p, bytes_span(&e->out_target));
    plain(p, ", Host ");
    if (e->out_host[0] != '\0')
        safe(p, e->out_host);
    else
        plain(p, "as it came");
    plain(p, "\n");
    if (route->conf->strip_prefix != NULL) {
        label(p, "");
        plain(p, "strips ");
        safe(p, route->conf->strip_prefix);
        plain(p, "\n");
    }
    for (size_t i = 0; i < s->ask->listener->conf->n_routes; i++)
        if (e->routes[i].also)
            edits_text(p, e->routes[i].conf);
    edits_text(p, route->conf);
    added_text(p, s->ask->listener->conf);
    dropped_text(p, e->head, s->ask->listener->conf);
}

/* tls_failed has several: then the step above says what happens. */
static void refused_handshake(struct page *p, int alert)
{
    plain(p, "the handshake is refused");
    if (alert < 0)
        return;
    plain(p, " with alert ");
    plain(p, tls_alert_name(alert));
    number(p, " (", (unsigned)alert);
    plain(p, ")");
}

static void refusal_text(struct page *p, const struct explain *e, const struct config_listener *l)
{
    const struct reason_row *row = reason_row(e->steps[e->stopped].reason);
    if (e->stopped == EXPLAIN_HANDSHAKE || l->protocol == CONFIG_PROTOCOL_TCP)
        refused_handshake(p, row->alert);
    else
        number(p, "refused with ", row->http_status);
    plain(p, ", ");
    plain(p, row->word);
    plain(p, "\n");
    label(p, "");
    plain(p, "-> ");
    plain(p, row->hint);
    plain(p, "\n");
}

static void reply_text(struct page *p, const struct config_route *route)
{
    if (route->redirect != NULL) {
        number(p, "redirected with ", route->redirect_status);
        plain(p, " to ");
        safe(p, route->redirect);
    } else {
        number(p, "answered with ", route->respond);
    }
    plain(p, "\n");
}

static void answer_text(struct page *p, const struct explain_sheet *s)
{
    const struct explain *e = s->answer;
    const struct plan_listener *l = s->ask->listener;
    if (e->action == EXPLAIN_OPEN)
        return;
    label(p, "answer");
    if (e->admission.choice.index != SIZE_MAX && e->stopped >= EXPLAIN_ROUTES) {
        safe(p, e->routes[e->admission.choice.index].where);
        plain(p, "  ");
    }
    switch (e->action) {
    case EXPLAIN_REFUSED:
        refusal_text(p, e, l->conf);
        break;
    case EXPLAIN_FORWARD:
        forward_text(p, s);
        break;
    case EXPLAIN_REDIRECT:
    case EXPLAIN_RESPOND:
        reply_text(p, l->routes[e->admission.choice.index].conf);
        break;
    case EXPLAIN_TUNNEL:
        plain(p, "a tunnel\n");
        break;
    case EXPLAIN_DIRECT:
        plain(p, "forwarded in plaintext to the host itself, without an upstream\n");
        break;
    case EXPLAIN_BYTES:
        targets_text(p, l->routes[0].upstream->conf);
        break;
    case EXPLAIN_OPEN:
        break;
    }
}

int explain_sheet_text(const struct explain_sheet *s, struct bytes *out)
{
    const struct explain *e = s->answer;
    const struct config_listener *l = s->ask->listener->conf;
    struct page p = {.out = out};
    label(&p, "listener");
    safe(&p, l->name);
    plain(&p, " at ");
    safe(&p, l->where);
    plain(&p, "\n");
    request_text(&p, e);
    certificate_text(&p, e);
    steps_text(&p, e);
    for (size_t i = 0; e->routes != NULL && i < l->n_routes; i++)
        route_text(&p, s, i);
    if (e->steps[EXPLAIN_ROUTES].asked && e->admission.choice.index == SIZE_MAX)
        line(&p, "", e->steps[EXPLAIN_ROUTES].text);
    answer_text(&p, s);
    return p.rc;
}
