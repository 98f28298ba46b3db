/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/text.h"
#include "mtlsd/control/explain.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, NAMES_SHOWN = 400 };

struct wanted { /* a request as a person writes it; spans into it */
    struct span method, target, version;
    bool is_url, is_https;
    struct span authority, rest; /* of a URL: "host:port" and what comes after */
    unsigned port;               /* of a URL */
    bool http2;
};

static bool next_word(struct span *rest, struct span *word)
{
    size_t i = 0, n = 0;
    while (i < rest->len && rest->ptr[i] == ' ')
        i++;
    while (i + n < rest->len && rest->ptr[i + n] != ' ')
        n++;
    *word = span_of(rest->ptr + i, n);
    *rest = span_skip(*rest, i + n);
    return n > 0;
}

static bool begins(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && strncasecmp((const char *)s.ptr, prefix, n) == 0;
}

static unsigned port_of(struct span authority, unsigned usual)
{
    unsigned port = 0;
    size_t i = authority.len;
    while (i > 0 && authority.ptr[i - 1] >= '0' && authority.ptr[i - 1] <= '9')
        i--;
    if (i == 0 || authority.ptr[i - 1] != ':')
        return usual;
    for (; i < authority.len && port < 100000; i++)
        port = port * 10 + (unsigned)(authority.ptr[i] - '0');
    return port;
}

static void take_url_apart(struct wanted *w)
{
    w->is_https = begins(w->target, "https://");
    w->is_url = w->is_https || begins(w->target, "http://");
    if (!w->is_url)
        return;
    struct span after = span_skip(w->target, strlen(w->is_https ? "https://" : "http://"));
    size_t n = 0;
    while (n < after.len && strchr("/?#", after.ptr[n]) == NULL)
        n++;
    w->authority = span_of(after.ptr, n);
    w->rest = span_skip(after, n);
    w->port = port_of(w->authority, w->is_https ? HTTPS_PORT : HTTP_PORT);
}

/* A request has a path and an authority, also to a forward proxy. CONNECT with a path is a WebSocket, which the gate sees as a GET (RFC 8441). */
static int read_http2(struct wanted *w, struct err *err)
{
    bool connect = span_equals_str(w->method, "CONNECT"), path = w->is_url || w->target.ptr[0] == '/';
    if (connect && !path)
        return err_set(err, ERR_USAGE, "CONNECT to a host is served in HTTP/1.1 only: in HTTP/2 give it the path of a WebSocket, as in 'CONNECT /chat'");
    if (connect)
        w->method = span_from_str("GET");
    w->version = span_from_str("HTTP/1.1");
    return 0;
}

static int read_wanted(const char *request, struct wanted *w, struct err *err)
{
    struct span rest = span_from_str(request), more;
    *w = (struct wanted){.version = span_from_str("HTTP/1.1")};
    bool whole = next_word(&rest, &w->method) && next_word(&rest, &w->target);
    if (whole && span_trim(rest).len > 0)
        whole = next_word(&rest, &w->version) && !next_word(&rest, &more);
    w->http2 = span_equals_str(w->version, "HTTP/2");
    bool known = w->http2 || span_equals_str(w->version, "HTTP/1.1") || span_equals_str(w->version, "HTTP/1.0");
    if (!whole || !known || strpbrk(request, "\r\n") != NULL)
        return err_set(err, ERR_USAGE, "--request is \"METHOD TARGET\", as in 'GET http://host/path' or 'GET /path', with HTTP/1.0 or HTTP/2 after it if need be");
    take_url_apart(w);
    return w->http2 ? read_http2(w, err) : 0;
}

/* ---- which listener ---- */

static bool listens_on(const struct config_listener *l, unsigned port)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].kind == ADDRESS_TCP && l->bind[i].port == port)
            return true;
    return false;
}

/* By the kind of question: a request needs http, a certificate a listener that requests one. */
static bool is_fit(const struct config_listener *l, const struct wanted *w)
{
    if (w == NULL)
        return l->tls.present && (l->tls.trust != NULL || config_tls_asks(&l->tls));
    return l->protocol == CONFIG_PROTOCOL_HTTP;
}

/* By where its address leads. */
static bool is_meant(const struct config_listener *l, const struct wanted *w)
{
    return w != NULL && w->is_url && l->tls.present == w->is_https && listens_on(l, w->port);
}

static const struct plan_listener *only_one(const struct snapshot *s, const struct wanted *w, bool (*holds)(const struct config_listener *, const struct wanted *))
{
    const struct plan_listener *found = NULL;
    for (size_t i = 0; i < s->config->n_listeners; i++) {
        const struct plan_listener *l = &s->listeners[i];
        if (!is_fit(l->conf, w) || !holds(l->conf, w))
            continue;
        if (found != NULL)
            return NULL;
        found = l;
    }
    return found;
}

static const struct plan_listener *no_listener(const struct snapshot *s, const char *name, struct err *err)
{
    char names[NAMES_SHOWN] = "";
    size_t used = 0;
    for (size_t i = 0; i < s->config->n_listeners && used < sizeof(names); i++) {
        int n = snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "", s->config->listeners[i].name);
        used += n > 0 ? (size_t)n : 0;
    }
    if (name != NULL)
        err_set(err, ERR_USAGE, "there is no listener \"%s\"; there are: %s", name, names);
    else
        err_set(err, ERR_USAGE, "several listeners match: name one with --listener: %s", names);
    return NULL;
}

const struct plan_listener *explain_pick_listener(const struct snapshot *s, const char *name, const char *request, struct err *err)
{
    struct wanted w;
    if (name != NULL) {
        const struct plan_listener *named = snapshot_find_listener(s, name);
        return named != NULL ? named : no_listener(s, name, err);
    }
    if (request != NULL && read_wanted(request, &w, err) != 0)
        return NULL;
    const struct plan_listener *found = only_one(s, request != NULL ? &w : NULL, is_meant);
    if (found == NULL)
        found = only_one(s, request != NULL ? &w : NULL, is_fit);
    return found != NULL ? found : no_listener(s, NULL, err);
}

struct span explain_server_name(const char *request)
{
    struct wanted w;
    struct err err = {0};
    if (read_wanted(request, &w, &err) != 0 || !w.is_https)
        return span_of(NULL, 0);
    size_t n = 0;
    if (w.authority.len == 0 || w.authority.ptr[0] == '[') /* an address is never asked for */
        return span_of(NULL, 0);
    while (n < w.authority.len && w.authority.ptr[n] != ':')
        n++;
    return span_of(w.authority.ptr, n);
}

/* ---- the head ---- */

static bool is_host_field(const char *field)
{
    return strncasecmp(field, "Host:", 5) == 0;
}

/* The Host when nothing names a host: the address that a client of this listener has. */
static int append_own_address(struct bytes *out, const struct config_listener *l)
{
    char text[300];
    struct address own = l->bind[0];
    if (own.kind != ADDRESS_TCP)
        return bytes_append_str(out, "localhost");
    if (own.host[0] == '\0')
        snprintf(own.host, sizeof(own.host), "localhost");
    address_format(&own, text, sizeof(text));
    return bytes_append_str(out, text);
}

static int append_target(struct bytes *out, const struct plan_listener *l, const struct wanted *w)
{
    if (!w->is_url || (l->conf->forward_proxy.present && !w->http2))
        return bytes_append_span(out, w->target);
    if ((w->rest.len == 0 || w->rest.ptr[0] != '/') && bytes_append_str(out, "/") != 0)
        return -1;
    return bytes_append_span(out, w->rest);
}

static int append_host(struct bytes *out, const struct plan_listener *l, const struct wanted *w)
{
    if (bytes_append_str(out, "Host: ") != 0)
        return -1;
    int rc = 0;
    if (w->is_url)
        rc = bytes_append_span(out, w->authority);
    else if (span_equals_str(w->method, "CONNECT"))
        rc = bytes_append_span(out, w->target);
    else
        rc = append_own_address(out, l->conf);
    return rc == 0 ? bytes_append_str(out, "\r\n") : -1;
}

int explain_write_request(struct bytes *out, const struct plan_listener *l, const char *request, const char *const *fields, size_t n_fields,
                          struct err *err)
{
    struct wanted w;
    bool has_host = false;
    if (read_wanted(request, &w, err) != 0)
        return -1;
    for (size_t i = 0; i < n_fields; i++) {
        const char *colon = strchr(fields[i], ':');
        if (colon == NULL || colon == fields[i] || strpbrk(fields[i], "\r\n") != NULL)
            return err_set(err, ERR_USAGE, "--header is 'Name: value', not \"%s\"", fields[i]);
        has_host = has_host || is_host_field(fields[i]);
    }
    int rc = bytes_append_span(out, w.method) != 0 || bytes_append_str(out, " ") != 0 || append_target(out, l, &w) != 0 ||
             bytes_append_str(out, " ") != 0 || bytes_append_span(out, w.version) != 0 || bytes_append_str(out, "\r\n") != 0;
    if (rc == 0 && !has_host && (span_equals_str(w.version, "HTTP/1.1") || w.is_url))
        rc = append_host(out, l, &w);
    for (size_t i = 0; i < n_fields && rc == 0; i++)
        rc = bytes_printf(out, "%s\r\n", fields[i]);
    return rc == 0 && bytes_append_str(out, "\r\n") == 0 ? 0 : err_set(err, ERR_MEMORY, "the request is too large");
}
