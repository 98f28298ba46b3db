/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_problem.h"

#include "mtlsd/base/text.h"
#include "mtlsd/http/http_answer.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_BODY_BYTES = 64 * 1024, MAX_NAME_BYTES = 1024 /* of a certificate's subject or issuer; each byte may grow to six */ };

static int put_name(struct bytes *out, const char *name)
{
    struct span so_far = bytes_span(out);
    const char *comma = so_far.ptr[so_far.len - 1] == '{' ? "" : ",";
    return bytes_printf(out, "%s\"%s\":", comma, name);
}

static int put_string(struct bytes *out, const char *name, const char *value)
{
    if (value == NULL)
        return 0;
    if (put_name(out, name) != 0 || bytes_append_str(out, "\"") != 0)
        return -1;
    if (text_append_json(out, span_from_str(value)) != 0)
        return -1;
    return bytes_append_str(out, "\"");
}

static int put_time(struct bytes *out, const char *name, int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    return put_string(out, name, text);
}

static int put_type(struct bytes *out, const char *reason)
{
    if (reason == NULL)
        return 0;
    if (put_name(out, "type") != 0 || bytes_append_str(out, "\"urn:mtlsd:reason:") != 0)
        return -1;
    return text_append_json(out, span_from_str(reason)) != 0 ? -1 : bytes_append_str(out, "\"");
}

/* A server may have a name of any length; people need the front of it. */
static int put_dn(struct bytes *out, const char *name, const char *dn)
{
    char front[MAX_NAME_BYTES + 1];
    if (dn == NULL || strlen(dn) <= MAX_NAME_BYTES)
        return put_string(out, name, dn);
    memcpy(front, dn, MAX_NAME_BYTES);
    front[MAX_NAME_BYTES] = '\0';
    return put_string(out, name, front);
}

static int put_certificate(struct bytes *out, const char *name, const struct http_problem_certificate *c)
{
    if (c->subject == NULL)
        return 0;
    if (put_name(out, name) != 0 || bytes_append_str(out, "{") != 0)
        return -1;
    if (put_dn(out, "subject", c->subject) != 0 || put_dn(out, "issuer", c->issuer) != 0 || put_string(out, "serial", c->serial) != 0)
        return -1;
    if (put_time(out, "not_before", c->not_before) != 0 || put_time(out, "not_after", c->not_after) != 0)
        return -1;
    return put_string(out, "sha256", c->sha256) != 0 ? -1 : bytes_append_str(out, "}");
}

static int put_strings(struct bytes *out, const struct http_problem *p)
{
    const struct {
        const char *name, *value;
    } members[] = {
        {"title", p->title},           {"detail", p->detail},     {"reason", p->reason},
        {"refused_by", p->refused_by}, {"upstream", p->upstream}, {"identity", p->identity},
        {"alert", p->alert},
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (put_string(out, members[i].name, members[i].value) != 0)
            return -1;
    return 0;
}

static int put_body(struct bytes *out, const struct http_problem *p)
{
    if (bytes_append_str(out, "{") != 0 || put_type(out, p->reason) != 0)
        return -1;
    if (put_name(out, "status") != 0 || bytes_printf(out, "%u", p->status) != 0)
        return -1;
    if (put_strings(out, p) != 0 || put_certificate(out, "peer", &p->peer) != 0 || put_certificate(out, "ours", &p->ours) != 0 || put_time(out, "now", p->now) != 0)
        return -1;
    return put_string(out, "hint", p->hint) != 0 ? -1 : bytes_append_str(out, "}\n");
}

int http_problem_write(struct bytes *out, const struct http_problem *p)
{
    struct bytes body;
    bytes_init(&body, MAX_BODY_BYTES);
    int result = put_body(&body, p);
    struct http_answer answer = {
        .status = p->status,
        .phrase = p->phrase,
        .type = "application/problem+json",
        .body = bytes_span(&body),
        .now = p->now,
        .retry_after = p->retry_after,
        .head_only = p->head_only,
        .close = p->close,
    };
    if (result == 0)
        result = http_answer_write(out, &answer);
    bytes_clear(&body);
    return result;
}
