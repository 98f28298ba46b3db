/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_xfcc.h"

#include "http_name.h"
#include "http_pem.h"

#include <string.h>

/* A value is built whole, to tell a value that is too long from a lack of memory. */
enum { MAX_VALUE_BYTES = 16 * 1024, MAX_BUILT_BYTES = 4 << 20 };

static const char NAME[] = "X-Forwarded-Client-Cert";

/* ---- our element ---- */

static void append_byte(struct bytes *out, uint8_t c)
{
    if (c < 0x20 || c >= 0x7f || c == '%' || c == '\\')
        bytes_printf(out, "%%%02X", c);
    else if (c == '"')
        bytes_append_str(out, "\\\"");
    else
        bytes_append(out, &c, 1);
}

static bool needs_quotes(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] == ' ' || s.ptr[i] == ',' || s.ptr[i] == ';' || s.ptr[i] == '=' || s.ptr[i] == '"')
            return true;
    return s.len == 0;
}

/* Appends ";Key=value"; the first of an element has no semicolon. Takes value. A value that is too long is left out with its key. */
static void put_pair(struct bytes *out, size_t first, const char *key, const char *quote, struct bytes *value)
{
    if (value->len > MAX_VALUE_BYTES && !value->failed) {
        bytes_clear(value);
        return;
    }
    bytes_printf(out, "%s%s=%s", out->len > first ? ";" : "", key, quote);
    bytes_append_part(out, value);
    bytes_append_str(out, quote);
}

static void put(struct bytes *out, size_t first, const char *key, struct span value, bool quoted)
{
    struct bytes text;
    bytes_init(&text, MAX_BUILT_BYTES);
    for (size_t i = 0; i < value.len; i++)
        append_byte(&text, value.ptr[i]);
    put_pair(out, first, key, quoted || needs_quotes(value) ? "\"" : "", &text);
}

/* The certificate and the n_path certificates above it. Encoded they hold nothing that would need care. */
static void put_pem(struct bytes *out, const char *key, const struct tls_peer *peer, size_t n_path)
{
    struct bytes text;
    bytes_init(&text, MAX_BUILT_BYTES);
    http_pem_append_encoded(&text, peer->der);
    for (size_t i = 0; i < n_path; i++)
        http_pem_append_encoded(&text, peer->path[i]);
    put_pair(out, 0, key, "\"", &text);
}

static void put_names(struct bytes *out, size_t first, const struct tls_peer *peer, enum tls_name_type type, const char *key)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == type)
            put(out, first, key, peer->names[i].value, false);
}

static void append_element(struct bytes *out, const struct http_xfcc *how)
{
    const struct tls_peer *peer = how->peer;
    size_t first = out->len;
    if (how->by.len > 0)
        put(out, first, "By", how->by, false);
    put(out, first, "Hash", span_from_str(peer->sha256), false);
    if (peer->der.len > 0 && (how->details & HTTP_XFCC_CERT) != 0)
        put_pem(out, "Cert", peer, 0);
    if (peer->der.len > 0 && (how->details & HTTP_XFCC_CHAIN) != 0)
        put_pem(out, "Chain", peer, peer->n_path);
    /* Subject="" says that there is none, as Envoy does. A subject that cannot be written whole is left out. */
    if (!peer->subject_cut || peer->subject_empty)
        put(out, first, "Subject", span_from_str(peer->subject_empty ? "" : peer->subject), true);
    put_names(out, first, peer, TLS_NAME_URI, "URI");
    put_names(out, first, peer, TLS_NAME_DNS, "DNS");
}

/* ---- what came in ---- */

/* An open quote would make what follows part of its value. A quote after two backslashes is open to one reader and closed to another, and so is
 * one after a backslash outside of quotes: neither passes. */
static bool is_closed(struct span value)
{
    bool inside = false;
    size_t backslashes = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (c < 0x20 || c >= 0x7f || (c == '"' && (backslashes > 1 || (backslashes == 1 && !inside))))
            return false;
        if (c == '"' && backslashes == 0)
            inside = !inside;
        backslashes = c == '\\' ? backslashes + 1 : 0;
    }
    return !inside && backslashes == 0;
}

static bool names_it(struct span connection)
{
    struct span item;
    while (span_next_in_list(&connection, &item))
        if (http_name_equals(item, "x-forwarded-client-cert"))
            return true;
    return false;
}

/* False: nothing of it may pass. */
static bool may_pass(const struct http_head *request)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        const struct http_field *f = &request->fields[i];
        if (http_name_equals(f->name, "connection") && names_it(f->value))
            return false;
        if (span_equals_nocase_str(f->name, NAME) && !is_closed(f->value))
            return false;
    }
    return true;
}

static void append_inbound(struct bytes *out, const struct http_head *request)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        const struct http_field *f = &request->fields[i];
        if (!span_equals_nocase_str(f->name, NAME) || f->value.len == 0)
            continue;
        bytes_append_str(out, out->len > 0 ? "," : "");
        bytes_append_span(out, f->value);
    }
}

/* ---- the line ---- */

static void append_value(struct bytes *out, const struct http_xfcc *how, const struct http_head *request)
{
    bool proven = how->verdict != NULL && how->verdict->status == REASON_VALID && how->peer != NULL;
    bool forwards = how->mode == HTTP_XFCC_ALWAYS_FORWARD_ONLY ||
                    (proven && (how->mode == HTTP_XFCC_FORWARD_ONLY || how->mode == HTTP_XFCC_APPEND_FORWARD));
    bool tells = proven && (how->mode == HTTP_XFCC_SANITIZE_SET || how->mode == HTTP_XFCC_APPEND_FORWARD);
    if (forwards && may_pass(request))
        append_inbound(out, request);
    if (tells && out->len > 0)
        bytes_append_str(out, ",");
    if (tells)
        append_element(out, how);
}

int http_xfcc_append(struct bytes *out, const struct http_xfcc *how, const struct http_head *request)
{
    struct bytes value;
    bytes_init(&value, out->max);
    append_value(&value, how, request);
    bool any = value.len > 0;
    if (any)
        bytes_printf(out, "%s: ", NAME);
    bytes_append_part(out, &value);
    return bytes_append_str(out, any ? "\r\n" : "");
}
