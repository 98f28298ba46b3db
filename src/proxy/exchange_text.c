/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_values.h"
#include "mtlsd/policy/reason.h"

struct values {
    struct http_values v; /* first: what http_values_give gets */
    struct tls_facts facts;
    char words[REASON_WORDS_SIZE];
    char server_name[TLS_SERVER_NAME_SIZE];
};

static bool uses(const struct plan_text *t, enum variable v)
{
    return (t->uses >> v & 1) != 0;
}

static void add_tls(const struct exchange *x, const struct plan_text *t, struct values *out)
{
    struct tls_engine *tls = x->client->link.tls;
    static const struct tls_verdict undecided = {.status = REASON_NONE};
    if (tls == NULL)
        return;
    tls_engine_facts(tls, &out->facts);
    out->v.asks = out->facts.asks;
    out->v.verdict = out->facts.verdict != NULL ? out->facts.verdict : &undecided;
    out->v.words = reason_word(out->v.verdict->status);
    if (uses(t, VARIABLE_CERT_STATUS) || uses(t, VARIABLE_CERT_VERIFY)) {
        reason_words(out->v.verdict->status, out->v.verdict->all, out->words);
        out->v.words = out->words;
    }
    out->v.peer = out->facts.peer;
    out->v.tls_version = out->facts.version;
    out->v.tls_suite = out->facts.suite;
    out->v.resumed = out->facts.resumed;
    if (uses(t, VARIABLE_TLS_SNI))
        out->v.server_name = tls_engine_server_name(tls, out->server_name);
}

static void gather(struct exchange *x, const struct plan_route *route, const struct admission *a, struct values *out)
{
    const struct client_address *client = &x->client->who.address;
    out->v = (struct http_values){
        .client = client->text,
        .client_port = client->known ? client->peer_port : 0,
        .method = a->method,
        .target = &a->target,
        .path = a->path,
        .listener = x->listener->conf->name,
        .route = route->conf->where,
    };
    if (uses(route->text, VARIABLE_REQUEST_ID))
        out->v.id = exchange_id(x, route->text->id_field, a->head);
    add_tls(x, route->text, out);
}

/* An earlier edit goes before this one (http_edit.next). */
static bool is_set_before(const struct exchange *x, size_t n_before, struct span name)
{
    for (size_t i = 0; i < n_before; i++) {
        const struct http_edit *edit = x->way.also[i]->edit;
        for (size_t k = 0; edit != NULL && k < edit->n_set; k++)
            if (http_guard_same_name(edit->set[k].name, name))
                return true;
    }
    return false;
}

/* A field whose variables have no value is left out, and so is one that is too long; what came in under its name is removed all the same. */
static int append_field(const struct plan_text_field *f, struct values *values, struct bytes *out)
{
    struct bytes value;
    bytes_init(&value, 2 * (size_t)TEMPLATE_VALUE_MAX);
    enum template_result result = template_write(f->value, TEMPLATE_IN_FIELD, http_values_give, values, &value);
    if (result == TEMPLATE_WRITTEN && value.len > 0) {
        bytes_append_span(out, f->name);
        bytes_append_str(out, ": ");
        bytes_append_span(out, bytes_span(&value));
        bytes_append_str(out, "\r\n");
    }
    bytes_clear(&value);
    return result == TEMPLATE_FAILED || out->failed ? -1 : 0;
}

static int append_of(struct exchange *x, const struct plan_route *route, size_t n_before, const struct admission *a, struct bytes *out)
{
    const struct plan_text *t = route != NULL ? route->text : NULL;
    if (t == NULL || t->n_fields == 0)
        return 0;
    struct values values = {.server_name = ""}; /* that is large, and most routes have no such fields */
    gather(x, route, a, &values);
    for (size_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].value != NULL && !is_set_before(x, n_before, t->fields[i].name) && append_field(&t->fields[i], &values, out) != 0)
            return -1;
    return 0;
}

int exchange_text_fields(struct exchange *x, const struct admission *a, struct bytes *out)
{
    const struct exchange_way *way = &x->way;
    for (size_t i = 0; i < way->n_also; i++)
        if (append_of(x, way->also[i], i, a, out) != 0)
            return -1;
    return append_of(x, way->route, way->n_also, a, out);
}

static bool needs_host(const struct template *location)
{
    for (size_t i = 0; i < location->n; i++)
        if (location->parts[i].text.len == 0 && location->parts[i].at == TEMPLATE_URI_HOST && location->parts[i].variable == VARIABLE_REQUEST_HOST)
            return true;
    return false;
}

static enum reason refuse(struct err *err, enum reason reason, const char *why)
{
    (void)err_set(err, reason == REASON_INTERNAL ? ERR_MEMORY : ERR_PROTOCOL, "%s", why);
    return reason;
}

enum reason exchange_text_location(struct exchange *x, const struct admission *a, struct bytes *out, struct err *err)
{
    const struct plan_route *route = x->way.route;
    const struct template *location = route->text != NULL ? route->text->location : NULL;
    struct values values = {.server_name = ""};
    if (location == NULL)
        return bytes_append_str(out, route->conf->redirect) == 0 ? REASON_VALID : refuse(err, REASON_INTERNAL, "out of memory");
    if (needs_host(location) && !hostname_is_well_formed(a->target.host))
        return refuse(err, REASON_REQUEST_MALFORMED, "the redirect needs the host of the request, which is not well-formed");
    gather(x, route, a, &values);
    enum template_result made = template_write(location, TEMPLATE_IN_URI, http_values_give, &values, out);
    if (made == TEMPLATE_FAILED)
        return refuse(err, REASON_INTERNAL, "out of memory");
    if (made == TEMPLATE_UNFIT || out->len > TEMPLATE_VALUE_MAX) /* cut it would lead elsewhere */
        return refuse(err, REASON_REQUEST_TOO_LARGE, "the redirect would be longer than 16 KiB");
    return REASON_VALID;
}

int exchange_text_body(struct exchange *x, const struct admission *a, struct bytes *room, struct span *out)
{
    const struct plan_text_body *body = &x->way.route->text->body;
    struct values values = {.server_name = ""};
    *out = body->text->n > 0 ? body->text->parts[0].text : span_of(NULL, 0);
    if (body->text->n_values == 0)
        return 0; /* it is one text, and the same for all */
    gather(x, x->way.route, a, &values);
    if (template_write(body->text, body->place, http_values_give, &values, room) == TEMPLATE_FAILED)
        return -1;
    *out = bytes_span(room);
    return 0;
}
