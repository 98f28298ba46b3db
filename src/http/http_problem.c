/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_problem.h"

#include "mtlsd/base/text.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_BODY_BYTES = 64 * 1024, MAX_NAME_BYTES = 1024 /* of a certificate's subject or issuer; each byte may grow to six */ };

static void put_name(struct bytes *out, const char *name)
{
    bool first = out->len > 0 && out->data[out->head + out->len - 1] == '{';
    bytes_printf(out, "%s\"%s\":", first ? "" : ",", name);
}

/* before: what stands in front of value, in the quotes. */
static void put_prefixed(struct bytes *out, const char *name, const char *before, const char *value)
{
    if (value == NULL)
        return;
    put_name(out, name);
    bytes_printf(out, "\"%s", before);
    text_append_json(out, span_from_str(value));
    bytes_append_str(out, "\"");
}

static void put_string(struct bytes *out, const char *name, const char *value)
{
    put_prefixed(out, name, "", value);
}

static void put_time(struct bytes *out, const char *name, int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    put_string(out, name, text);
}

/* A server may have a name of any length; people need the front of it. */
static void put_dn(struct bytes *out, const char *name, const char *dn)
{
    char front[MAX_NAME_BYTES + 1];
    if (dn != NULL)
        snprintf(front, sizeof(front), "%s", dn);
    put_string(out, name, dn != NULL ? front : NULL);
}

static void put_certificate(struct bytes *out, const char *name, const struct http_problem_certificate *c)
{
    if (c->subject == NULL)
        return;
    put_name(out, name);
    bytes_append_str(out, "{");
    put_dn(out, "subject", c->subject);
    put_dn(out, "issuer", c->issuer);
    put_string(out, "serial", c->serial);
    put_time(out, "not_before", c->not_before);
    put_time(out, "not_after", c->not_after);
    put_string(out, "sha256", c->sha256);
    bytes_append_str(out, "}");
}

static void put_body(struct bytes *out, const struct http_problem *p)
{
    bytes_append_str(out, "{");
    put_prefixed(out, "type", "urn:mtlsd:reason:", p->reason);
    put_name(out, "status");
    text_append_number(out, p->status);
    put_string(out, "title", p->title);
    put_string(out, "detail", p->detail);
    put_string(out, "reason", p->reason);
    put_string(out, "refused_by", p->refused_by);
    put_string(out, "upstream", p->upstream);
    put_string(out, "identity", p->identity);
    put_string(out, "alert", p->alert);
    put_certificate(out, "peer", &p->peer);
    put_certificate(out, "ours", &p->ours);
    put_string(out, "accepted_cas", p->accepted_cas);
    put_time(out, "now", p->now);
    put_string(out, "hint", p->hint);
    put_string(out, "contact", p->contact);
    bytes_append_str(out, "}\n");
}

int http_problem_answer(const struct http_problem *p, struct bytes *body, struct http_answer *out)
{
    bytes_init(body, MAX_BODY_BYTES);
    put_body(body, p);
    *out = (struct http_answer){
        .status = p->status,
        .phrase = p->phrase,
        .type = "application/problem+json",
        .body = bytes_span(body),
        .now = p->now,
        .retry_after = p->retry_after,
        .head_only = p->head_only,
        .close = p->close,
    };
    return body->failed ? -1 : 0;
}

int http_problem_write(struct bytes *out, const struct http_problem *p)
{
    struct bytes body;
    struct http_answer answer;
    int result = http_problem_answer(p, &body, &answer);
    if (result == 0)
        result = http_answer_write(out, &answer);
    bytes_clear(&body);
    return result;
}
