/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/browser.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/policy/route.h"

#include <arpa/inet.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, SHOWN = 120 };

struct origin { /* RFC 6454 section 4, as browsers write it; spans into the text it was read from */
    struct span scheme, host;
    unsigned port;
};

static struct span without_brackets(struct span host)
{
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        return span_of(host.ptr + 1, host.len - 2);
    return host;
}

struct literal {
    bool is_v4;
    uint8_t bytes[16];
};

/* The last byte of an address is a digit, of a group or an octet, or the colon of "::". */
static bool may_end_literal(uint8_t last)
{
    return (last >= '0' && last <= '9') || ((last | 0x20) >= 'a' && (last | 0x20) <= 'f') || last == ':';
}

/* An address in the usual spelling of programs and browsers. "127.1", "0x7f.1", "::ffff:127.0.0.1" and the like are suspicious spellings of an
 * address. */
static bool read_literal(struct span host, struct literal *out)
{
    char text[INET6_ADDRSTRLEN], again[INET6_ADDRSTRLEN];
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    if (!may_end_literal(host.ptr[host.len - 1])) /* most names, which need no parsing */
        return false;
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    *out = (struct literal){.is_v4 = memchr(host.ptr, ':', host.len) == NULL};
    if (out->is_v4) /* of IPv4 inet_pton takes no other spelling than the canonical one */
        return strlen(text) == host.len && inet_pton(AF_INET, text, out->bytes) == 1;
    if (inet_pton(AF_INET6, text, out->bytes) != 1 || inet_ntop(AF_INET6, out->bytes, again, sizeof(again)) == NULL)
        return false;
    return span_equals_str(host, again) && strchr(again, '.') == NULL;
}

static bool is_all_zero(const struct literal *a)
{
    static const uint8_t zero[16];
    return memcmp(a->bytes, zero, a->is_v4 ? 4 : 16) == 0;
}

static bool is_loopback(const struct literal *a)
{
    static const uint8_t one[16] = {[15] = 1};
    return a->is_v4 ? a->bytes[0] == 127 : memcmp(a->bytes, one, sizeof(one)) == 0;
}

/* Bound to all interfaces of a family; a dual-stack "::" takes IPv4 as well. */
static bool is_wildcard(const struct address *bind)
{
    struct literal a;
    if (bind->kind != ADDRESS_TCP)
        return false;
    return bind->host[0] == '\0' || (read_literal(span_from_str(bind->host), &a) && is_all_zero(&a));
}

static bool is_own_literal(const struct config_listener *l, struct span host, const struct literal *a)
{
    if (is_all_zero(a)) /* a page that calls 0.0.0.0 gets here past what browsers do for loopback */
        return false;
    if (is_loopback(a))
        return true;
    for (size_t i = 0; i < l->n_bind; i++)
        if (is_wildcard(&l->bind[i]) || (l->bind[i].kind == ADDRESS_TCP && span_equals_str(host, l->bind[i].host)))
            return true;
    return false;
}

/* Spelt as the listener is bound, the most common case: known without parsing. The all-zero address is not a name to connect to, with any bind. */
static bool is_bind_text(const struct config_listener *l, struct span host)
{
    size_t i = 0;
    while (i < host.len && (host.ptr[i] == '0' || host.ptr[i] == '.' || host.ptr[i] == ':'))
        i++;
    if (i == host.len)
        return false;
    for (size_t k = 0; k < l->n_bind; k++)
        if (l->bind[k].kind == ADDRESS_TCP && span_equals_str(host, l->bind[k].host))
            return true;
    return false;
}

static bool is_own_name(const struct config_listener *l, struct span host)
{
    if (hostname_matches(span_of("localhost", 9), host) || hostname_matches(span_of("*.localhost", 11), host))
        return true;
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].kind == ADDRESS_TCP && host.len > 0 && span_equals_nocase_str(host, l->bind[i].host))
            return true;
    return false;
}

static bool is_own_host(const struct config_listener *l, struct span host)
{
    struct literal a;
    return read_literal(host, &a) ? is_own_literal(l, host, &a) : is_own_name(l, host);
}

static bool is_own_port(const struct config_listener *l, const struct browser_question *q)
{
    if (q->port == 0)
        return true;
    if (q->local_port != 0)
        return q->port == q->local_port;
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].port == 0 || l->bind[i].port == q->port)
            return true;
    return false;
}

static enum reason judge_host(const struct config_listener *l, const struct browser_question *q, struct span host, struct err *err)
{
    if (host.len == 0 || (q->absolute && l->forward_proxy.present))
        return REASON_VALID;
    if (route_host_listed(&l->hosts, host, q->port != 0 ? q->port : HTTP_PORT))
        return REASON_VALID;
    int shown = host.len < SHOWN ? (int)host.len : SHOWN;
    bool known = is_bind_text(l, host) || is_own_host(l, host) || route_index_names_host(q->found, l->routes, l->n_routes, host);
    if (known && is_own_port(l, q))
        return REASON_VALID;
    if (known)
        err_set(err, ERR_PROTOCOL, "Host has port %u, which is not the port of this listener: add \"%.*s:%u\" to hosts of listener %s to accept it",
                q->port, shown, (const char *)host.ptr, q->port, l->name);
    else
        err_set(err, ERR_PROTOCOL, "Host \"%.*s\" is not a name of this listener, and a web page could have sent it: add it to hosts of listener %s to accept it", shown, (const char *)host.ptr, l->name);
    return REASON_HOST_NOT_ALLOWED;
}

/* Only what a host and a port are made of: "user@host", a backslash and the like are where parsers differ. */
static bool read_authority(struct span authority, struct origin *out)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
    size_t host_len = authority.len;
    for (size_t i = 0; i < authority.len; i++) {
        if (authority.ptr[i] == '\0' || strchr(plain, (char)authority.ptr[i]) == NULL)
            return false;
        if (authority.ptr[i] == ':' && (authority.ptr[0] != '[' || authority.ptr[i - 1] == ']')) {
            host_len = i;
            break;
        }
    }
    if (host_len < authority.len && (out->port = hostname_port(span_skip(authority, host_len + 1))) == 0)
        return false;
    out->host = without_brackets(span_of(authority.ptr, host_len));
    return out->host.len > 0;
}

/* The origin of a URL or an Origin; the text after the authority is skipped. */
static bool read_origin(struct span text, struct origin *out)
{
    *out = (struct origin){.port = 0};
    size_t i = 0;
    while (i < text.len && text.ptr[i] != ':')
        i++;
    if (i == 0 || text.len - i < 3 || memcmp(text.ptr + i, "://", 3) != 0)
        return false;
    out->scheme = span_of(text.ptr, i);
    out->port = span_equals_nocase_str(out->scheme, "https") ? HTTPS_PORT : HTTP_PORT;
    struct span rest = span_skip(text, i + 3);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?' && rest.ptr[end] != '#')
        end++;
    return read_authority(span_of(rest.ptr, end), out);
}

static bool is_same_origin(const struct origin *a, const struct origin *b)
{
    return a->port == b->port && span_equals_nocase(a->scheme, b->scheme) && span_equals_nocase(a->host, b->host);
}

/* In allow_origins; "null" only by that word, because every sandboxed frame and local file has it. */
static bool is_listed(const struct config_listener *l, struct span text)
{
    struct origin wanted, item;
    bool readable = read_origin(text, &wanted);
    for (size_t i = 0; i < l->allow_origins.n; i++) {
        struct span entry = span_from_str(l->allow_origins.items[i]);
        if (readable && read_origin(entry, &item) && is_same_origin(&wanted, &item))
            return true;
        if (!readable && span_equals_str(text, "null") && span_equals_str(entry, "null"))
            return true;
    }
    return false;
}

/* From a page that this very listener served, as the request says. */
static bool is_own_page(const struct browser_question *q, struct span host, struct span text)
{
    struct origin from, own = {span_from_str("http"), host, q->port != 0 ? q->port : HTTP_PORT};
    return host.len > 0 && read_origin(text, &from) && is_same_origin(&from, &own);
}

static enum reason refuse_origin(const struct config_listener *l, const char *field, struct span value, struct err *err)
{
    int shown = value.len < SHOWN ? (int)value.len : SHOWN;
    err_set(err, ERR_PROTOCOL, "%s \"%.*s\" shows that a web page of another origin sent this request: add its origin to allow_origins of listener %s to accept it", field, shown, (const char *)value.ptr, l->name);
    return REASON_ORIGIN_NOT_ALLOWED;
}

static bool may_come_from(const struct config_listener *l, const struct browser_question *q, struct span host, struct span text)
{
    return text.len == 0 || is_own_page(q, host, text) || is_listed(l, text);
}

static enum reason judge_origin(const struct config_listener *l, const struct browser_question *q, struct span host, struct err *err)
{
    struct span source = q->origin.ptr != NULL ? q->origin : q->referer;
    bool trusted = source.len > 0 && is_listed(l, source);
    if (q->private_network && !trusted)
        return refuse_origin(l, "Access-Control-Request-Private-Network from", source, err);
    if (!may_come_from(l, q, host, q->origin))
        return refuse_origin(l, "Origin", q->origin, err);
    if (!may_come_from(l, q, host, q->referer))
        return refuse_origin(l, "Referer", q->referer, err);
    bool own = span_equals_str(q->fetch_site, "same-origin") || span_equals_str(q->fetch_site, "none");
    if (q->fetch_site.ptr != NULL && !own && !trusted)
        return refuse_origin(l, "Sec-Fetch-Site", q->fetch_site, err);
    return REASON_VALID;
}

enum reason browser_judge(const struct config_listener *l, const struct browser_question *q, struct err *err)
{
    struct span host = without_brackets(q->host);
    enum reason reason = judge_host(l, q, host, err);
    return reason == REASON_VALID ? judge_origin(l, q, host, err) : reason;
}

/* In one pass, since programs send none of them: the first letter and the length pass over all that they do send. The first of equal names
 * counts. */
static void read_field(const struct http_field *f, struct browser_question *q)
{
    if (f->name.len == 0)
        return;
    switch (f->name.ptr[0] | 0x20) {
    case 'o':
        if (q->origin.ptr == NULL && span_equals_nocase_str(f->name, "Origin"))
            q->origin = f->value;
        break;
    case 'r':
        if (q->referer.ptr == NULL && span_equals_nocase_str(f->name, "Referer"))
            q->referer = f->value;
        break;
    case 's':
        if (q->fetch_site.ptr == NULL && span_equals_nocase_str(f->name, "Sec-Fetch-Site"))
            q->fetch_site = f->value;
        break;
    case 'a':
        q->private_network = q->private_network || span_equals_nocase_str(f->name, "Access-Control-Request-Private-Network");
        break;
    default:
        break;
    }
}

void browser_read_fields(const struct http_head *head, struct browser_question *q)
{
    for (size_t i = 0; i < head->n_fields; i++)
        read_field(&head->fields[i], q);
}
