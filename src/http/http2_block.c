/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_block.h"

#include "http_bytes.h"
#include "http_field.h"

#include <stdlib.h>
#include <string.h>

#define NAME(text) {(const uint8_t *)(text), sizeof(text) - 1}
static const struct span pseudo_names[HTTP2_N_PSEUDOS] = {
    [HTTP2_PSEUDO_METHOD] = NAME(":method"), [HTTP2_PSEUDO_SCHEME] = NAME(":scheme"),     [HTTP2_PSEUDO_AUTHORITY] = NAME(":authority"),
    [HTTP2_PSEUDO_PATH] = NAME(":path"),     [HTTP2_PSEUDO_PROTOCOL] = NAME(":protocol"), [HTTP2_PSEUDO_STATUS] = NAME(":status"),
};

static unsigned bit(unsigned pseudo)
{
    return 1U << pseudo;
}

void http2_block_refuse(struct http2_block *b, enum reason reason, const char *detail)
{
    if (b->reason != REASON_VALID)
        return;
    b->reason = reason;
    b->detail = detail;
}

static void malformed(struct http2_block *b, const char *detail)
{
    http2_block_refuse(b, REASON_REQUEST_MALFORMED, detail);
}

void http2_block_clear(struct http2_block *b)
{
    free(b->text);
    free(b->places);
    free(b->fields);
    b->text = NULL;
    b->places = NULL;
    b->fields = NULL;
    b->len = b->cap = b->n_places = b->cap_places = b->cap_fields = 0;
    b->repeat = (struct http2_repeat){0};
}

/* ---- memory: one text, which may move until the block is whole ---- */

static int has_room(struct http2_block *b, size_t n)
{
    if (n <= b->cap - b->len)
        return 0;
    size_t cap = b->cap == 0 ? 1024 : b->cap;
    while (cap - b->len < n)
        cap *= 2;
    uint8_t *text = realloc(b->text, cap);
    if (text == NULL)
        return -1;
    b->text = text;
    b->cap = cap;
    return 0;
}

static void put(struct http2_block *b, struct span s)
{
    if (s.len > 0)
        memcpy(b->text + b->len, s.ptr, s.len);
    b->len += s.len;
}

static struct http2_place keep(struct http2_block *b, const struct http_field *f)
{
    struct http2_place place = {(uint32_t)b->len, (uint32_t)f->name.len, (uint32_t)f->value.len};
    put(b, f->name);
    put(b, f->value);
    return place;
}

static int has_place(struct http2_block *b)
{
    if (b->n_places < b->cap_places)
        return 0;
    size_t cap = b->cap_places == 0 ? 16 : b->cap_places * 2;
    struct http2_place *places = realloc(b->places, cap * sizeof(*places));
    if (places == NULL)
        return -1;
    b->places = places;
    b->cap_places = cap;
    return 0;
}

static struct span value_of(const struct http2_block *b, const struct http2_place *p)
{
    return span_of(b->text + p->at + p->name_len, p->value_len);
}

struct span http2_block_pseudo(const struct http2_block *b, unsigned which)
{
    return (b->seen_pseudos & bit(which)) != 0 ? value_of(b, &b->pseudos[which]) : (struct span){NULL, 0};
}

/* ---- a block and the next ---- */

enum { REPEATED_BYTES = 512 };

bool http2_block_repeats(const struct http2_block *b, struct span bytes, bool no_body)
{
    const struct http2_repeat *r = &b->repeat;
    return r->n > 0 && r->n == bytes.len && r->kind == b->kind && r->ends_stream == b->ends_stream && r->no_body == no_body && memcmp(b->text, bytes.ptr, r->n) == 0;
}

void http2_block_begin(struct http2_block *b, struct span bytes, bool no_body)
{
    size_t times = http2_block_repeats(b, bytes, no_body) ? b->repeat.times + 1 : 1;
    b->repeat = (struct http2_repeat){0};
    b->len = 0;
    b->n_places = 0;
    b->seen_pseudos = 0;
    b->seen_field = false;
    b->n_seen = b->n_cookies = b->n_hosts = 0;
    b->bytes = 0;
    b->never = 0;
    b->never_cookie = false;
    b->reason = REASON_VALID;
    b->detail = NULL;
    b->head = (struct http_head){.minor = 1, .http2 = true, .keep_alive = true, .request = b->kind == HTTP2_BLOCK_REQUEST};
    if (b->kind == HTTP2_BLOCK_DROPPED || bytes.len > REPEATED_BYTES || has_room(b, bytes.len) != 0)
        return;
    put(b, bytes);
    b->repeat = (struct http2_repeat){.n = bytes.len, .times = times, .kind = b->kind, .ends_stream = b->ends_stream, .no_body = no_body};
}

void http2_block_keep(struct http2_block *b, size_t settles_after)
{
    b->repeat.known = b->repeat.n > 0 && b->reason == REASON_VALID && settles_after > 0 && b->repeat.times >= settles_after;
}

/* ---- one field ---- */

static const char *pseudo_refusal(const struct http2_block *b, unsigned which)
{
    bool response = which == HTTP2_PSEUDO_STATUS;
    if (which == HTTP2_N_PSEUDOS)
        return "an unknown pseudo field";
    if (b->kind == HTTP2_BLOCK_TRAILERS)
        return "a pseudo field in trailers";
    if (response != (b->kind == HTTP2_BLOCK_RESPONSE))
        return response ? "the pseudo field of a response in a request" : "the pseudo field of a request in a response";
    if (which == HTTP2_PSEUDO_PROTOCOL && !b->extended_connect)
        return ":protocol, which is not served here";
    if (b->seen_field)
        return "a pseudo field behind other fields";
    return (b->seen_pseudos & bit(which)) != 0 ? "a pseudo field twice" : NULL;
}

static unsigned find_pseudo(struct span name)
{
    unsigned which = 0;
    while (which < HTTP2_N_PSEUDOS && !(name.len == pseudo_names[which].len && memcmp(name.ptr, pseudo_names[which].ptr, name.len) == 0))
        which++;
    return which;
}

static void add_pseudo(struct http2_block *b, const struct http_field *f)
{
    unsigned which = find_pseudo(f->name);
    const char *why = pseudo_refusal(b, which);
    if (why != NULL) {
        malformed(b, why);
        return;
    }
    b->pseudos[which] = keep(b, f);
    b->seen_pseudos |= bit(which);
}

static const char *value_refusal(struct span v)
{
    if (http_bytes_run(v, HTTP_BYTES_VALUE) != v.len)
        return "a field's value holds a control byte";
    if (v.len > 0 && (v.ptr[0] == ' ' || v.ptr[0] == '\t' || v.ptr[v.len - 1] == ' ' || v.ptr[v.len - 1] == '\t'))
        return "a field's value begins or ends with white space"; /* RFC 9113 section 8.2.1 */
    return NULL;
}

/* The lengths of the names that kind_refusal looks for: most fields are skipped by it. */
static bool may_be_of_connection(size_t len)
{
    const unsigned lengths = 1U << 2 | 1U << 7 | 1U << 10 | 1U << 14 | 1U << 16 | 1U << 17;
    return len < 18 && (lengths >> len & 1) != 0;
}

/* RFC 9113 section 8.2.2: Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, HTTP2-Settings; TE, but for trailers. */
static const char *kind_refusal(const struct http_field *f)
{
    if (!may_be_of_connection(f->name.len))
        return NULL;
    switch (http_field_kind_of(f->name)) {
    case HTTP_FIELD_CONNECTION:
    case HTTP_FIELD_CODING:
        return "a field about the connection, which HTTP/2 does not have";
    case HTTP_FIELD_HOP:
        if (f->name.len == 2 && span_equals_nocase_str(f->value, "trailers"))
            return NULL;
        return f->name.len == 2 ? "TE is not exactly trailers" : "a field about the connection, which HTTP/2 does not have";
    default:
        return NULL;
    }
}

static const char *field_refusal(const struct http_field *f)
{
    if (!http_bytes_is_lower(f->name))
        return http_bytes_is_token(f->name) ? "a field's name has capital letters" : "a field's name is no token";
    const char *why = value_refusal(f->value);
    return why != NULL ? why : kind_refusal(f);
}

static bool is_cookie(struct span name)
{
    return name.len == 6 && memcmp(name.ptr, "cookie", 6) == 0;
}

static void add_field(struct http2_block *b, const struct http_field *f, bool never)
{
    const char *why = field_refusal(f);
    b->seen_field = true;
    if (why != NULL) {
        malformed(b, why);
        return;
    }
    if (b->n_places == b->max_fields) {
        http2_block_refuse(b, REASON_REQUEST_TOO_LARGE, "more fields than allowed");
        return;
    }
    if (has_place(b) != 0) {
        http2_block_refuse(b, REASON_INTERNAL, "out of memory");
        return;
    }
    if (is_cookie(f->name)) {
        b->n_cookies++;
        b->never_cookie = b->never_cookie || never;
    }
    b->n_hosts += http_field_is_host(f->name);
    if (never)
        b->never |= UINT64_C(1) << (b->n_places < 63 ? b->n_places : 63);
    b->places[b->n_places++] = keep(b, f);
}

void http2_block_add(struct http2_block *b, const struct http_field *f, bool never)
{
    b->n_seen++;
    b->bytes += f->name.len + f->value.len + 4;
    if (b->bytes > b->max_bytes)
        http2_block_refuse(b, REASON_REQUEST_TOO_LARGE, "the head is longer than allowed");
    if (b->reason != REASON_VALID || b->kind == HTTP2_BLOCK_DROPPED)
        return;
    if (has_room(b, f->name.len + f->value.len) != 0)
        http2_block_refuse(b, REASON_INTERNAL, "out of memory");
    else if (f->name.len > 0 && f->name.ptr[0] == ':')
        add_pseudo(b, f);
    else
        add_field(b, f, never);
}

struct span http2_block_host(const struct http2_block *b)
{
    for (size_t i = 0; i < b->n_places && b->n_hosts > 0; i++)
        if (http_field_is_host(span_of(b->text + b->places[i].at, b->places[i].name_len)))
            return value_of(b, &b->places[i]);
    return (struct span){NULL, 0};
}

/* ---- the whole ---- */

static int has_fields(struct http2_block *b)
{
    size_t n = b->n_places + 1;
    if (n <= b->cap_fields)
        return 0;
    struct http_field *fields = realloc(b->fields, n * sizeof(*fields));
    if (fields == NULL)
        return -1;
    b->fields = fields;
    b->cap_fields = n;
    return 0;
}

/* RFC 9113 section 8.2.3: the pieces of a cookie become one field again. The text moves for the last time here. */
int http2_block_join_cookies(struct http2_block *b)
{
    struct http2_place *joined = &b->joined;
    size_t n = 0;
    if (b->n_cookies < 2)
        return 0;
    for (size_t i = 0; i < b->n_places; i++)
        n += b->places[i].value_len + 2U;
    if (has_room(b, n + 6) != 0)
        return -1;
    *joined = (struct http2_place){(uint32_t)b->len, 6, 0};
    put(b, span_from_str("cookie"));
    for (size_t i = 0; i < b->n_places; i++) {
        if (b->places[i].value_len == 0 || !is_cookie(span_of(b->text + b->places[i].at, b->places[i].name_len)))
            continue; /* an empty piece would leave a space at an end, which HTTP/2 does not take */
        if (joined->value_len > 0)
            put(b, span_from_str("; "));
        put(b, value_of(b, &b->places[i]));
        joined->value_len = (uint32_t)(b->len - joined->at - 6);
    }
    return 0;
}

static void give_field(struct http2_block *b, const struct http2_place *p, bool never)
{
    size_t i = b->head.n_fields++;
    b->fields[i].name = span_of(b->text + p->at, p->name_len);
    b->fields[i].value = value_of(b, p);
    if (never)
        b->head.never_indexed |= UINT64_C(1) << (i < 63 ? i : 63);
}

/* Fields in their order; of several cookies the first place has all. */
int http2_block_give_fields(struct http2_block *b)
{
    bool authority = (b->seen_pseudos & bit(HTTP2_PSEUDO_AUTHORITY)) != 0, cookies = b->n_cookies > 1;
    if (has_fields(b) != 0)
        return -1;
    b->head.fields = b->fields;
    if (authority)
        b->fields[b->head.n_fields++] = (struct http_field){span_from_str("host"), http2_block_pseudo(b, HTTP2_PSEUDO_AUTHORITY)};
    for (size_t i = 0; i < b->n_places; i++) {
        struct span name = span_of(b->text + b->places[i].at, b->places[i].name_len);
        bool never = (b->never >> (i < 63 ? i : 63) & 1) != 0;
        if (authority && http_field_is_host(name))
            continue;
        if (b->n_cookies > 1 && is_cookie(name)) {
            if (cookies)
                give_field(b, &b->joined, b->never_cookie);
            cookies = false;
            continue;
        }
        give_field(b, &b->places[i], never);
    }
    return 0;
}
