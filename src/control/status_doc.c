/* SPDX-License-Identifier: Apache-2.0 */
#include "status_doc.h"
#include "mtlsd/control/workload.h"
#include "readiness.h"
#include "status_certificates.h"
#include "status_traffic.h"

#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_ocsp_store.h"

#include <jansson.h>

static json_t *ours_value(const struct refusal_ours *ours)
{
    if (ours->subject[0] == '\0')
        return json_null();
    return document_object("subject:t issuer:t serial:t not_after:w accepted_cas:t", ours->subject, ours->issuer, ours->serial, ours->not_after,
                           text_or_null(ours->accepted_cas));
}

static json_t *refusals_value(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->n_refusals; i++) {
        const struct refusal *r = &view->refusals[i];
        array = document_append(array, document_object("time:w first:w age_seconds:I count:U reason:t listener:t upstream:t peer_subject:t ours:o detail:t hint:t", r->when, r->first, view->now - r->when,
                                                       r->count, reason_word(r->reason), text_or_null(r->listener), text_or_null(r->upstream),
                                                       text_or_null(r->peer_subject), ours_value(&r->ours), r->detail, r->hint != NULL ? r->hint : reason_row(r->reason)->hint));
    }
    return array;
}

static json_t *last_reload_value(const struct admin_view *view)
{
    if (view->last_reload == 0)
        return json_null();
    return document_object("time:w result:t error:t", view->last_reload, view->last_reload_error == NULL ? "reloaded" : "refused", view->last_reload_error);
}

/* One that succeeds is not told here: the new process has not failed yet. */
static json_t *last_handover_value(const struct admin_view *view)
{
    if (view->last_handover == 0)
        return json_null();
    return document_object("time:w result:t error:t", view->last_handover, "refused", view->last_handover_error != NULL ? view->last_handover_error : "out of memory");
}

static json_t *room_value(const struct admin_room *room)
{
    return document_object("open:U most:U descriptors:U most_descriptors:U most_per_client:U refused_total:U full:b", room->clients, room->most_clients,
                           room->descriptors, room->most_descriptors, room->most_per_client, room->refused, room->full);
}

/* jansson goes on when a key could not be written, and the rest would follow behind the hole: the first failure is sticky here. */
struct sink {
    struct bytes *out;
    int rc;
};

static int append_piece(const char *text, size_t n, void *ctx)
{
    struct sink *sink = ctx;
    if (sink->rc == 0)
        sink->rc = bytes_append(sink->out, text, n);
    return sink->rc;
}

/* Takes document; NULL: out of memory. */
static int finish(json_t *document, struct bytes *out)
{
    struct sink sink = {out, 0};
    int rc = document == NULL ? -1 : json_dump_callback(document, append_piece, &sink, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(document);
    return rc == 0 && sink.rc == 0 ? bytes_append_str(out, "\n") : -1;
}

/* Landlock's version, 0 without; why: what is missing. */
static json_t *sandbox_value(const struct sandbox_facts *facts)
{
    if (facts == NULL)
        return json_null();
    return document_object("on:b landlock:i seccomp:b why:t", !facts->off, facts->files, facts->calls, text_or_null(facts->why));
}

static json_t *keys_value(const struct admin_keys *keys)
{
    if (keys->pid == 0)
        return document_object("process:b", false);
    return document_object("process:b pid:i answers:b refused:U sandbox:o", true, keys->pid, !keys->silent, keys->refused, sandbox_value(keys->sandbox));
}

static json_t *names_of(const struct workload_set *set, bool svids)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && i < (svids ? set->n_svids : set->n_bundles); i++)
        if (json_array_append_new(list, json_string(svids ? set->svids[i].id : set->bundles[i].domain)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *workload_value(const struct workload_view *w)
{
    if (w == NULL)
        return json_null();
    return document_object("socket:t state:t connected:b since:w last_answer:w generation:U svids:o trust_domains:o messages:U refused:U connects:U error:t", w->socket,
                           workload_state_word(w->state), w->state == WORKLOAD_CURRENT, w->since, w->received, w->generation, names_of(&w->set, true), names_of(&w->set, false),
                           w->messages, w->refused, w->connects, text_or_null(w->error));
}

static json_t *ocsp_value(const struct tls_ocsp_facts *f)
{
    if (f == NULL)
        return json_null();
    return document_object("certificates:z answers:z waiting:z asked:U good:U revoked:U failed:U no_room:U last_failure:w responder:t error:t", f->rows, f->answers,
                           f->waiting, f->asked, f->good, f->revoked, f->failed, f->overflowed, f->failed_at, text_or_null(f->failed_host), text_or_null(f->fault));
}

json_t *status_doc_value(const struct admin_view *view)
{
    struct readiness r;
    readiness_look(view, &r);
    json_t *o = document_object("version:t config:t generation:U now:w started:w uptime_seconds:I workers:i ready:b draining:b readiness:t", view->version,
                                view->snapshot->config->path, view->snapshot->generation, view->now, view->started,
                                view->now > view->started ? view->now - view->started : INT64_C(0), (int)view->workers, r.ready, view->draining, r.word);
    if (!r.ready)
        o = document_add(o, "not_ready_because:t", text_or_null(r.detail));
    o = document_add(o, "sandbox:o keys:o connections:o files_polled:b last_reload:o listeners:o upstreams:o", sandbox_value(view->sandbox),
                     keys_value(&view->keys), room_value(&view->room), view->files_polled, last_reload_value(view), status_traffic_listeners(view),
                     status_traffic_upstreams(view));
    o = document_add(o, "last_handover:o spiffe:o ocsp:o", last_handover_value(view), workload_value(view->workload), ocsp_value(view->ocsp));
    return document_add(o, "identities:o trusts:o registries:o refusals:o", status_certificates_identities(view), status_certificates_trusts(view), status_certificates_registries(view),
                        refusals_value(view));
}

int status_doc_status(struct bytes *out, const struct admin_view *view)
{
    return finish(status_doc_value(view), out);
}

int status_doc_refusals(struct bytes *out, const struct admin_view *view)
{
    return finish(document_object("refusals:o", refusals_value(view)), out);
}

static json_t *finding_value(enum finding_level level, const char *where, const char *text)
{
    return document_object("level:t where:t text:t", finding_level_word(level), where, text);
}

int status_doc_reload(struct bytes *out, const struct admin_reload *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->findings->n; i++) {
        const struct finding *f = &result->findings->items[i];
        array = document_append(array, finding_value(f->level, f->where, f->text));
    }
    if (result->findings->out_of_memory)
        array = document_append(array, finding_value(FINDING_ERROR, "", "out of memory"));
    return finish(document_object("result:t generation:U findings:o", result->ok ? "reloaded" : "refused", result->generation, array), out);
}

int status_doc_word(struct bytes *out, const char *word, const char *detail)
{
    json_t *o = document_object("result:t", word);
    return finish(detail != NULL ? document_add(o, "detail:t", detail) : o, out);
}
