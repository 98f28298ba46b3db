/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_forwarded.h"

#include "http_authority.h"
#include "http_bytes.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_guard.h"

#include <arpa/inet.h>
#include <string.h>

enum { ELEMENT_MAX = 512 };

struct element {
    struct span text;  /* as it came */
    uint8_t address[16];
    size_t n;          /* 4 or 16; 0: it hides its address */
};

/* The last of what came in, the nearest to us at the end. */
struct chain {
    struct element items[HTTP_FORWARDED_MAX];
    size_t n;
};

static void keep(struct chain *c, const struct element *e)
{
    if (e->text.len > ELEMENT_MAX) {
        c->n = 0;
        return;
    }
    if (c->n == HTTP_FORWARDED_MAX)
        memmove(c->items, c->items + 1, --c->n * sizeof(*e));
    c->items[c->n++] = *e;
}

/* ---- one node: "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "2001:db8::1", "unknown", "_name" ---- */

static bool reads_as(struct span text, int family, struct element *e)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char copy[INET6_ADDRSTRLEN];
    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.ptr, '\0', text.len) != NULL)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (inet_pton(family, copy, e->address) != 1)
        return false;
    e->n = family == AF_INET ? 4 : 16;
    if (e->n == 16 && memcmp(e->address, mapped, sizeof(mapped)) == 0) { /* one client must not have two names */
        memmove(e->address, e->address + sizeof(mapped), 4);
        e->n = 4;
    }
    return true;
}

static bool is_port(struct span rest)
{
    return rest.len == 0 || (rest.ptr[0] == ':' && hostname_port(span_skip(rest, 1)) > 0);
}

static bool hides(struct span text)
{
    if (span_equals_nocase_str(text, "unknown") || span_equals_nocase_str(text, "unix"))
        return true;
    if (text.len < 2 || text.ptr[0] != '_')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        uint8_t c = span_lower(text.ptr[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
            return false;
    }
    return true;
}

static bool read_node(struct span text, struct element *e)
{
    e->n = 0;
    if (text.len > 0 && text.ptr[0] == '[') {
        const uint8_t *end = memchr(text.ptr, ']', text.len);
        size_t len = end != NULL ? (size_t)(end - text.ptr) : 0;
        return len > 0 && is_port(span_skip(text, len + 1)) && reads_as(span_of(text.ptr + 1, len - 1), AF_INET6, e);
    }
    if (hides(text) || reads_as(text, AF_INET6, e))
        return true;
    const uint8_t *colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;
    size_t len = colon != NULL ? (size_t)(colon - text.ptr) : text.len;
    return is_port(span_skip(text, len)) && reads_as(span_of(text.ptr, len), AF_INET, e);
}

/* ---- X-Forwarded-For ---- */

static void read_x(const struct http_head *request, struct chain *c)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        struct span rest = request->fields[i].value;
        struct element e = {0};
        if (!span_equals_nocase_str(request->fields[i].name, "x-forwarded-for"))
            continue;
        while (span_next_in_list(&rest, &e.text)) {
            if (read_node(e.text, &e))
                keep(c, &e);
            else
                c->n = 0;
        }
    }
}

/* ---- Forwarded ---- */

/* A token or a quoted string; without backslashes, which need not be read the same everywhere. */
static bool take_value(struct span *rest, struct span *value)
{
    bool quoted = rest->len > 0 && rest->ptr[0] == '"';
    *rest = span_skip(*rest, quoted);
    size_t n = 0;
    for (; n < rest->len; n++) {
        uint8_t c = rest->ptr[n];
        if (quoted ? c == '"' : !http_bytes_is_token(span_of(&c, 1)))
            break;
        if (quoted && (c < ' ' || c > '~' || c == '\\'))
            return false;
    }
    *value = span_of(rest->ptr, n);
    *rest = span_skip(*rest, n);
    if (quoted && rest->len == 0)
        return false;
    *rest = span_trim(span_skip(*rest, quoted));
    return quoted || n > 0;
}

enum { HAS_FOR = 1, HAS_HOST = 2, HAS_PROTO = 4, HAS_BY = 8 };

/* RFC 7239 section 4: a parameter must not occur twice; others may be added, and are not known here. */
static unsigned parameter_of(struct span name)
{
    return span_equals_nocase_str(name, "for") ? HAS_FOR : span_equals_nocase_str(name, "host") ? HAS_HOST
         : span_equals_nocase_str(name, "proto") ? HAS_PROTO : span_equals_nocase_str(name, "by") ? HAS_BY : 0;
}

static bool is_same_host(struct span host, struct span named)
{
    struct http_authority ours, theirs;
    return http_authority_read(host, &ours) && http_authority_read(named, &theirs) && hostname_matches(ours.host, theirs.host);
}

/* host: the only one it may name; empty: any. False: it is malformed. */
static bool take_pair(struct span *rest, unsigned *seen, struct span host, struct element *e)
{
    struct span value;
    size_t n = 0;
    while (n < rest->len && http_bytes_is_token(span_of(rest->ptr + n, 1)))
        n++;
    unsigned is = parameter_of(span_of(rest->ptr, n));
    if (n == 0 || n == rest->len || rest->ptr[n] != '=' || (*seen & is) != 0)
        return false;
    *seen |= is;
    *rest = span_skip(*rest, n + 1);
    if (!take_value(rest, &value))
        return false;
    return is == HAS_FOR ? read_node(value, e) : is != HAS_HOST || host.len == 0 || is_same_host(host, value);
}

static bool take_element(struct span *rest, struct span host, struct element *e)
{
    unsigned seen = 0;
    const uint8_t *begin = rest->ptr;
    e->n = 0;
    while (rest->len > 0 && rest->ptr[0] != ',') {
        if (!take_pair(rest, &seen, host, e))
            return false;
        if (rest->len > 0 && rest->ptr[0] == ';')
            *rest = span_trim(span_skip(*rest, 1));
        else if (rest->len > 0 && rest->ptr[0] != ',')
            return false;
    }
    e->text = span_trim(span_of(begin, (size_t)(rest->ptr - begin)));
    *rest = span_trim(span_skip(*rest, rest->len > 0));
    return true;
}

/* A fault makes the rest of its line unreadable, as a quote may be open. */
static void read_rfc7239(const struct http_head *request, struct span host, struct chain *c)
{
    for (size_t i = 0; i < request->n_fields; i++) {
        struct span rest = request->fields[i].value;
        struct element e;
        if (!span_equals_nocase_str(request->fields[i].name, "forwarded"))
            continue;
        while (rest.len > 0) {
            if (!take_element(&rest, host, &e)) {
                c->n = 0;
                break;
            }
            if (e.text.len > 0)
                keep(c, &e);
        }
    }
}

static void read_chain(const struct http_forwarded *how, const struct http_head *request, struct chain *c)
{
    c->n = 0;
    if (how->believe && how->rfc7239)
        read_rfc7239(request, how->hold_host ? http_head_find(request, "Host") : span_of(NULL, 0), c);
    else if (how->believe)
        read_x(request, c);
}

/* ---- who it was ---- */

static bool is_trusted(const struct http_forwarded *how, const struct element *e)
{
    for (size_t i = 0; i < how->n_trusted; i++)
        if (ip_range_holds(&how->trusted[i], span_of(e->address, e->n)))
            return true;
    return false;
}

static void client_in(const struct chain *c, const struct http_forwarded *how, char out[HTTP_FORWARDED_TEXT])
{
    size_t n = how->peer.len < HTTP_FORWARDED_TEXT ? how->peer.len : HTTP_FORWARDED_TEXT - 1;
    memcpy(out, how->peer.ptr, n); /* for each request: printf would cost as much as reading the request did */
    out[n] = '\0';
    for (size_t i = c->n; i > 0 && c->items[i - 1].n > 0; i--) {
        const struct element *e = &c->items[i - 1];
        inet_ntop(e->n == 4 ? AF_INET : AF_INET6, e->address, out, HTTP_FORWARDED_TEXT);
        if (!is_trusted(how, e))
            return;
    }
}

void http_forwarded_client(const struct http_forwarded *how, const struct http_head *request, char out[HTTP_FORWARDED_TEXT])
{
    struct chain c;
    read_chain(how, request, &c);
    client_in(&c, how, out);
}

/* ---- the other fields ---- */

/* The one field of that name; ptr NULL: none, or two, of which one may be the client's. */
static struct span only(const struct http_head *request, const char *name)
{
    struct span found = {NULL, 0};
    for (size_t i = 0; i < request->n_fields; i++) {
        if (!span_equals_nocase_str(request->fields[i].name, name))
            continue;
        if (found.ptr != NULL)
            return span_of(NULL, 0);
        found = request->fields[i].value;
    }
    return found;
}

static struct span proto_of(const struct http_forwarded *how, const struct http_head *request)
{
    struct span said = how->believe ? only(request, "x-forwarded-proto") : span_of(NULL, 0);
    bool usable = span_equals_nocase_str(said, "http") || span_equals_nocase_str(said, "https");
    return usable ? said : span_from_str(how->proto);
}

static struct span host_of(const struct http_forwarded *how, const struct http_head *request)
{
    struct http_authority unused;
    struct span ours = http_head_find(request, "Host"), said = how->believe ? only(request, "x-forwarded-host") : span_of(NULL, 0);
    bool usable = said.len > 0 && (how->hold_host ? is_same_host(ours, said) : http_authority_read(said, &unused));
    return usable ? said : ours;
}

static void append_line(struct bytes *out, const char *name, struct span value)
{
    bytes_append_str(out, name);
    bytes_append_span(out, value);
    bytes_append(out, "\r\n", 2);
}

static void append_chain(struct bytes *out, const struct chain *c)
{
    for (size_t i = 0; i < c->n; i++) {
        bytes_append_span(out, c->items[i].text);
        bytes_append(out, ", ", 2);
    }
}

static void append_x(struct bytes *out, const struct http_forwarded *how, const struct http_head *request)
{
    char client[HTTP_FORWARDED_TEXT];
    struct chain c;
    read_chain(how, request, &c);
    client_in(&c, how, client);
    bytes_append_str(out, "X-Forwarded-For: ");
    append_chain(out, &c);
    append_line(out, "", how->peer);
    append_line(out, "X-Real-IP: ", span_from_str(client));
    append_line(out, "X-Forwarded-Proto: ", proto_of(how, request));
    struct span host = host_of(how, request);
    if (host.len > 0)
        append_line(out, "X-Forwarded-Host: ", host);
    struct span port = how->believe ? only(request, "x-forwarded-port") : span_of(NULL, 0);
    if (hostname_port(port) > 0)
        append_line(out, "X-Forwarded-Port: ", port);
}

/* RFC 7239: an IPv6 address and anything with a colon stand in quotes. */
static void append_rfc7239(struct bytes *out, const struct http_forwarded *how, const struct http_head *request)
{
    struct chain c;
    struct span host = http_head_find(request, "Host");
    bool v6 = how->peer.len > 0 && memchr(how->peer.ptr, ':', how->peer.len) != NULL;
    read_chain(how, request, &c);
    bytes_append_str(out, "Forwarded: ");
    append_chain(out, &c);
    bytes_append_str(out, v6 ? "for=\"[" : "for=");
    bytes_append_span(out, span_equals_str(how->peer, "unix") ? span_from_str("unknown") : how->peer);
    bytes_append_str(out, v6 ? "]\";proto=" : ";proto=");
    bytes_append_str(out, how->proto);
    if (host.len > 0 && memchr(host.ptr, '"', host.len) == NULL && memchr(host.ptr, '\\', host.len) == NULL) {
        bytes_append_str(out, ";host=\"");
        bytes_append_span(out, host);
        bytes_append_str(out, "\"");
    }
    bytes_append(out, "\r\n", 2);
}

void http_forwarded_append(struct bytes *out, const struct http_forwarded *how, const struct http_head *request)
{
    how->rfc7239 ? append_rfc7239(out, how, request) : append_x(out, how, request);
}
