/* SPDX-License-Identifier: Apache-2.0 */
/* C8, C2: whatever a peer says about itself, a JSON log line is one line and one object with the fields it was given, a text line is one line, the lines of
 * web servers have their quotes in pairs, and an answer that explains a refusal is one JSON object. Line feeds part the fields of the input. */
#include "fuzz.h"

#include "access_line.h"
#include "mtlsd/base/log.h"
#include "mtlsd/http/http_problem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { N_FIELDS = 6, SENTENCE = 640 /* the longest that is told of a refusal: struct err */ };

static void check_line(struct span line)
{
    assert(line.len > 0 && line.ptr[line.len - 1] == '\n');
    for (size_t i = 0; i + 1 < line.len; i++)
        assert(line.ptr[i] >= 0x20 && line.ptr[i] < 0x7f);
}

static void on_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    unsigned *lines = ctx;
    (void)kind, (void)level;
    check_line(line);
    ++*lines;
    if (log_format_now() != LOG_FORMAT_JSON)
        return;
    json_t *object = json_loadb((const char *)line.ptr, line.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert(json_is_object(object) && json_object_size(object) <= 4 + N_FIELDS);
    json_decref(object);
}

static void check_event(enum log_format format, const struct span *fields, const char *message)
{
    static const char *const keys[N_FIELDS] = {"a", "b", "c", "d", "e", "f"};
    unsigned lines = 0;
    struct log_line l;
    log_setup(LOG_LEVEL_DEBUG, format, on_line, &lines, NULL);
    log_begin(&l, LOG_LEVEL_INFO, "event", message);
    for (size_t i = 0; i < N_FIELDS; i++)
        log_span(&l, keys[i], fields[i]);
    log_end(&l);
    assert(lines == 1);
}

static void check_access(enum log_format format, const struct span *fields, const char *subject)
{
    static char name[] = "public";
    struct config_listener conf = {.name = name};
    struct plan_listener listener = {.conf = &conf};
    struct tls_verdict verdict = {.status = REASON_VALID};
    struct tls_peer peer = {.subject = subject};
    struct tls_facts down = {.version = "TLS1.3", .suite = "X", .verdict = &verdict, .peer = &peer};
    struct report r = {.listener = &listener, .client = "192.0.2.1", .down = &down};
    r.request.method = fields[0], r.request.uri = fields[1], r.request.referer = fields[2], r.request.user_agent = fields[3];
    struct bytes out = {.max = ACCESS_LINE_MAX};
    int rc = access_line_write(&out, format, &r, 0);
    assert(rc == 0);
    check_line(bytes_span(&out));
    size_t quotes = 0;
    for (size_t i = 0; i < out.len; i++) {
        quotes += bytes_span(&out).ptr[i] == '"';
        i += bytes_span(&out).ptr[i] == '\\'; /* what follows it is part of a value */
    }
    assert(quotes == (format == LOG_FORMAT_COMBINED ? 6 : 2));
    bytes_clear(&out);
}

static void check_problem(const char *text)
{
    struct http_problem p = {.status = 403, .phrase = "Forbidden", .reason = "not_allowed", .title = "x"};
    p.detail = p.hint = p.upstream = p.peer.subject = p.peer.issuer = p.ours.subject = p.ours.issuer = text;
    struct bytes out = {.max = 1 << 20};
    int rc = http_problem_write(&out, &p);
    assert(rc == 0);
    struct span all = bytes_span(&out);
    const uint8_t *body = memmem(all.ptr, all.len, "\r\n\r\n", 4);
    assert(body != NULL);
    json_t *object = json_loadb((const char *)body + 4, all.len - (size_t)(body + 4 - all.ptr), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    assert(json_is_object(object));
    json_decref(object);
    bytes_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span fields[N_FIELDS] = {{0}}, rest = span_of(bytes, n);
    for (size_t i = 0; i < N_FIELDS && rest.len > 0; i++) {
        const uint8_t *end = i + 1 < N_FIELDS ? memchr(rest.ptr, '\n', rest.len) : NULL;
        fields[i] = span_of(rest.ptr, end != NULL ? (size_t)(end - rest.ptr) : rest.len);
        rest = span_skip(rest, fields[i].len + (end != NULL));
    }
    if (fields[N_FIELDS - 1].len > SENTENCE)
        fields[N_FIELDS - 1].len = SENTENCE;
    char *text = span_dup(fields[N_FIELDS - 1]);
    assert(text != NULL);
    check_event(LOG_FORMAT_JSON, fields, text);
    check_event(LOG_FORMAT_TEXT, fields, text);
    check_access(LOG_FORMAT_COMBINED, fields, text);
    check_access(LOG_FORMAT_SSL_REQUEST, fields, text);
    check_problem(text);
    free(text);
    return 0;
}
