/* SPDX-License-Identifier: Apache-2.0 */
#include "access_pattern.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/text.h"
#include "mtlsd/http/http_values.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_hello.h"

#include <string.h>

/* ---- what is to be kept of a request ---- */

static unsigned wants_of(const struct config_format *format)
{
    static const struct {
        enum variable variable;
        unsigned wants;
    } rows[] = {
        {VARIABLE_REQUEST_REFERER, OBSERVER_AGENTS},    {VARIABLE_REQUEST_USER_AGENT, OBSERVER_AGENTS}, {VARIABLE_REQUEST_HOST, OBSERVER_HOST},
        {VARIABLE_REQUEST_TRACEPARENT, OBSERVER_TRACE}, {VARIABLE_TLS_SNI, OBSERVER_NAME},              {VARIABLE_REQUEST_ID, OBSERVER_ID},
    };
    unsigned wants = format->word == LOG_FORMAT_COMBINED ? OBSERVER_AGENTS : format->word == LOG_FORMAT_JSON ? OBSERVER_TRACE : 0;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        wants |= (format->uses >> rows[i].variable & 1) != 0 ? rows[i].wants : 0;
    return wants;
}

unsigned access_pattern_wants(const struct config *config)
{
    unsigned wants = wants_of(&config->log_format);
    for (size_t i = 0; i < config->n_logs; i++)
        wants |= wants_of(&config->logs[i].format);
    return wants;
}

/* ---- a line ---- */

struct line {
    struct http_values v;
    const struct report *r;
    int64_t utc;
    char words[REASON_WORDS_SIZE];
};

static void give_str(struct template_value *out, const char *text)
{
    out->text = span_from_str(text);
}

static void give_time(const struct line *k, bool clf, struct template_value *out)
{
    char utc[21], log[27];
    text_utc(utc, k->utc);
    text_log_time(log, k->utc);
    bytes_append_str(&out->made, clf ? log : utc);
}

static void give_duration(const struct line *k, struct template_value *out)
{
    uint64_t us = k->r->took.total_us;
    bytes_printf(&out->made, "%llu.%03u", (unsigned long long)(us / 1000), (unsigned)(us % 1000));
}

static void give_protocol(const struct line *k, struct template_value *out)
{
    const struct report_request *q = &k->r->request;
    if (q->method.len > 0)
        give_str(out, q->http2 ? "HTTP/2.0" : q->minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
}

static struct span path_of(struct span uri)
{
    const uint8_t *mark = uri.len > 0 ? memchr(uri.ptr, '?', uri.len) : NULL;
    return mark != NULL ? span_of(uri.ptr, (size_t)(mark - uri.ptr)) : uri;
}

/* The request as it came, and not as routes compare it. False: it is none of these. */
static bool give_request(const struct line *k, enum variable which, struct template_value *out)
{
    const struct report_request *q = &k->r->request;
    const struct {
        enum variable variable;
        struct span text;
    } rows[] = {
        {VARIABLE_REQUEST_URI, q->uri},         {VARIABLE_REQUEST_PATH, path_of(q->uri)},      {VARIABLE_REQUEST_HOST, q->host},
        {VARIABLE_REQUEST_REFERER, q->referer}, {VARIABLE_REQUEST_USER_AGENT, q->user_agent}, {VARIABLE_REQUEST_TRACEPARENT, q->traceparent},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].variable == which) {
            out->text = rows[i].text;
            return true;
        }
    return false;
}

static void give_number(struct template_value *out, uint64_t n)
{
    text_append_number(&out->made, n);
}

static void give(void *ctx, const struct template_part *part, struct template_value *out)
{
    struct line *k = ctx;
    const struct report *r = k->r;
    enum variable which = part->variable;
    if (which == VARIABLE_TIME || which == VARIABLE_TIME_CLF)
        give_time(k, which == VARIABLE_TIME_CLF, out);
    else if (which == VARIABLE_STATUS && r->request.status > 0)
        give_number(out, r->request.status);
    else if (which == VARIABLE_REASON)
        give_str(out, reason_word(r->reason));
    else if (which == VARIABLE_UPSTREAM && r->target != NULL)
        give_str(out, r->target->upstream->conf->name);
    else if (which == VARIABLE_TARGET_ADDRESS && r->target != NULL)
        give_str(out, r->target->conf->text);
    else if (which == VARIABLE_BYTES_IN || which == VARIABLE_BYTES_OUT)
        give_number(out, which == VARIABLE_BYTES_IN ? r->bytes_in : r->bytes_out);
    else if (which == VARIABLE_DURATION)
        give_duration(k, out);
    else if (which == VARIABLE_CLIENT_FORWARDED)
        give_str(out, r->from.forwarded_for);
    else if (which == VARIABLE_REQUEST_PROTOCOL)
        give_protocol(k, out);
    else if (which == VARIABLE_TLS_SNI)
        give_str(out, r->from.server_name != NULL || r->hello == NULL ? r->from.server_name : r->hello->server_name);
    else if (!give_request(k, which, out))
        http_values_give(&k->v, part, out);
}

static void gather(struct line *k, const struct report *r)
{
    static const struct tls_verdict undecided = {.status = REASON_NONE};
    k->v = (struct http_values){.client = r->client,
                                .client_port = r->from.port,
                                .method = r->request.method,
                                .id = r->request.id,
                                .listener = r->listener->conf->name,
                                .route = r->route != NULL ? r->route->conf->where : NULL};
    if (r->down == NULL)
        return;
    k->v.asks = r->down->asks;
    k->v.verdict = r->down->verdict != NULL ? r->down->verdict : &undecided;
    reason_words(k->v.verdict->status, k->v.verdict->all, k->words);
    k->v.words = k->words;
    k->v.peer = r->down->peer;
    k->v.tls_version = r->down->version;
    k->v.tls_suite = r->down->suite;
    k->v.resumed = r->down->resumed;
}

int access_pattern_write(struct bytes *out, const struct template *pattern, const struct report *r, int64_t utc)
{
    struct line k;
    k.r = r;
    k.utc = utc;
    gather(&k, r);
    if (template_write(pattern, TEMPLATE_IN_LOG, give, &k, out) == TEMPLATE_FAILED)
        return -1;
    return bytes_append_str(out, "\n");
}
