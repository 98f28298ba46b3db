/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_target.h"

#include "http_authority.h"
#include "http_field.h"
#include "mtlsd/base/request_path.h"

#include <string.h>

/* ---- the forms ---- */

static void split_query(struct span s, struct http_target *out)
{
    const uint8_t *mark = s.len > 0 ? memchr(s.ptr, '?', s.len) : NULL;
    size_t n = mark != NULL ? (size_t)(mark - s.ptr) : s.len;
    out->path = span_of(s.ptr, n);
    out->query = span_skip(s, n);
}

static int set_authority(struct span text, struct http_target *out)
{
    struct http_authority a;
    if (!http_authority_read(text, &a))
        return -1;
    out->authority = text;
    out->host = a.host;
    out->port = a.port;
    return 0;
}

static int read_host_field(const struct http_head *h, struct http_target *out, struct err *err)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        if (!http_field_is_host(h->fields[i].name))
            continue;
        if (set_authority(h->fields[i].value, out) != 0)
            return err_set(err, ERR_PROTOCOL, "Host is not a host name or address with an optional port");
        break;
    }
    return 0;
}

static bool begins(struct span s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && span_equals_nocase_str(span_of(s.ptr, n), prefix);
}

static int read_absolute(const struct http_head *h, struct http_target *out, struct err *err)
{
    struct span t = h->target;
    if (begins(t, "https://"))
        return err_set(err, ERR_PROTOCOL,
                       "the target begins with https://: use http:// here, mtlsd adds TLS");
    if (!begins(t, "http://"))
        return err_set(err, ERR_PROTOCOL,
                       "the target is neither a path nor an address that begins with http://");
    t = span_skip(t, strlen("http://"));
    size_t n = 0;
    while (n < t.len && t.ptr[n] != '/' && t.ptr[n] != '?')
        n++;
    struct span authority = span_of(t.ptr, n);
    if (n > 0 && memchr(authority.ptr, '@', n) != NULL)
        return err_set(err, ERR_PROTOCOL, "the target names a user: credentials have no place in it");
    if (set_authority(authority, out) != 0)
        return err_set(err, ERR_PROTOCOL, "the target has no valid host name or address");
    split_query(span_skip(t, n), out);
    /* RFC 9112 section 3.2.4: an address without a path means the server itself to OPTIONS */
    if (out->path.len == 0 && (out->query.len > 0 || !span_equals_str(h->method, "OPTIONS")))
        out->path = span_from_str("/");
    out->form = HTTP_TARGET_ABSOLUTE;
    return 0;
}

static int read_authority(const struct http_head *h, struct http_target *out, struct err *err)
{
    out->form = HTTP_TARGET_AUTHORITY;
    if (set_authority(h->target, out) != 0 || out->port == 0)
        return err_set(err, ERR_PROTOCOL, "CONNECT needs a host and a port as its target");
    return 0;
}

int http_target_read_reference(struct span text, struct http_target *out, struct err *err)
{
    *out = (struct http_target){.form = HTTP_TARGET_ORIGIN};
    bool names_host = text.len > 1 && text.ptr[1] == '/'; /* "//host/path" (RFC 3986 section 4.2), which some servers read as a path */
    if (text.len > 0 && text.ptr[0] == '/' && !names_host) {
        split_query(text, out);
        return 0;
    }
    size_t scheme = begins(text, "https://") ? strlen("https://") : begins(text, "http://") ? strlen("http://") : 0;
    struct span rest = span_skip(text, scheme);
    size_t n = 0;
    while (n < rest.len && rest.ptr[n] != '/' && rest.ptr[n] != '?')
        n++;
    if (scheme == 0 || set_authority(span_of(rest.ptr, n), out) != 0)
        return err_set(err, ERR_PROTOCOL, "it is neither a path nor an address that begins with http:// or https://");
    split_query(span_skip(rest, n), out);
    if (out->path.len == 0)
        out->path = span_from_str("/");
    out->form = HTTP_TARGET_ABSOLUTE;
    return 0;
}

int http_target_read(const struct http_head *h, struct http_target *out, struct err *err)
{
    *out = (struct http_target){.form = HTTP_TARGET_ORIGIN};
    if (span_equals_str(h->method, "CONNECT") && h->protocol.len == 0) /* with a protocol it has a path (RFC 8441 section 4) */
        return read_authority(h, out, err);
    if (span_equals_str(h->target, "*")) {
        out->form = HTTP_TARGET_ASTERISK;
        if (!span_equals_str(h->method, "OPTIONS"))
            return err_set(err, ERR_PROTOCOL, "only OPTIONS may ask for '*'");
        return read_host_field(h, out, err);
    }
    if (h->target.len == 0 || h->target.ptr[0] != '/')
        return read_absolute(h, out, err);
    split_query(h->target, out);
    return read_host_field(h, out, err);
}

/* ---- paths that two readers could understand differently ---- */

/* A segment, read one byte at a time with its encoding taken off. */
struct letter {
    uint8_t byte;
    bool encoded;
    size_t len; /* 1 or 3; more where it is encoded several times */
};

static struct letter letter_at(struct span s, size_t i, enum path_reading reading)
{
    struct letter l = {.byte = s.ptr[i], .len = 1};
    if (l.byte == '%')
        l.byte = request_path_byte(s, i, reading, &l.len);
    l.encoded = l.len > 1;
    return l;
}

static bool is_unreserved(uint8_t c)
{
    uint8_t low = c | 0x20;
    return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

/* An ASCII character spelled as two or more bytes of UTF-8, or one of three as four: no encoder writes that,
 * some decoders read it. */
static bool is_overlong(struct span s, size_t i, uint8_t first, enum path_reading reading)
{
    if (i >= s.len)
        return false;
    uint8_t next = letter_at(s, i, reading).byte;
    bool continues = next >= 0x80 && next < 0xc0;
    return (continues && (first == 0xc0 || first == 0xc1)) || (first == 0xe0 && continues && next < 0xa0) ||
           (first == 0xf0 && continues && next < 0x90);
}

/* Bytes without a spelling that every server reads alike. */
static const char *unsafe_letter(struct span path, size_t i, struct letter l, enum path_reading reading)
{
    if (l.byte == '\\')
        return "the path holds a backslash";
    if (!l.encoded)
        return l.byte == '%' ? "the path holds a '%' without two hex digits" : NULL;
    if (l.byte == '/')
        return "the path holds an encoded slash";
    if (l.byte == 0)
        return "the path holds an encoded NUL";
    return is_overlong(path, i + l.len, l.byte, reading) ? "the path holds an overlong encoding" : NULL;
}

struct segment {
    size_t end;       /* where its slash stands, or the end of the path */
    size_t n, n_dots, n_blanks; /* letters before its parameters, and what they are */
    bool parameters;
};

/* A slash that is encoded more than once is none to us, but a server that decodes once more sees it. */
static bool ends_segment(struct letter l, enum path_reading reading)
{
    return reading == PATH_WIDE ? l.byte == '/' || l.byte == '\\' : l.byte == '/' && !l.encoded;
}

static const char *read_segment(struct span path, size_t at, enum path_reading reading, struct segment *out)
{
    *out = (struct segment){.end = at};
    for (struct letter l; out->end < path.len; out->end += l.len) {
        l = letter_at(path, out->end, reading);
        if (ends_segment(l, reading))
            return NULL;
        const char *why = unsafe_letter(path, out->end, l, reading);
        if (why != NULL)
            return why;
        out->parameters = out->parameters || l.byte == ';';
        if (out->parameters)
            continue;
        out->n++;
        out->n_dots += l.byte == '.';
        out->n_blanks += l.byte <= 0x20 || l.byte == 0x7f;
    }
    return NULL;
}

static bool is_dots(const struct segment *s)
{
    return s->n == s->n_dots && (s->n == 1 || s->n == 2);
}

static bool is_last(const struct segment *s, struct span path)
{
    return s->end == path.len;
}

/* Dots, when blanks around them are cut off as Windows does it, or nothing at all. */
static bool is_blank(const struct segment *s, bool last)
{
    return s->n_blanks > 0 && s->n_blanks + s->n_dots == s->n && (s->n_dots > 0 ? s->n_dots <= 2 : !last);
}

/* Some servers cut parameters off before they look at the path, others never do: "/..;a/" is one path to
 * these and another to those. */
static const char *odd_segment(const struct segment *s, bool last)
{
    if (is_blank(s, last))
        return "the path holds a segment of blanks, or of dots and blanks";
    if (!s->parameters)
        return NULL;
    if (is_dots(s))
        return "the path holds a dot segment with parameters";
    return s->n == 0 && !last ? "the path holds an empty segment with parameters" : NULL;
}

/* A segment that leads up, or ends the path, for a server that decodes once more than others. */
static const char *hidden_refusal(struct span path)
{
    struct segment s = {0};
    if (path.len == 0 || memchr(path.ptr, '%', path.len) == NULL || memmem(path.ptr, path.len, "%25", 3) == NULL)
        return NULL;
    for (size_t at = 1; at < path.len; at = s.end + letter_at(path, s.end, PATH_WIDE).len) {
        const char *why = read_segment(path, at, PATH_WIDE, &s);
        if (why == NULL)
            why = is_dots(&s) ? "the path holds a dot segment that is encoded several times" : odd_segment(&s, is_last(&s, path));
        if (why != NULL || is_last(&s, path))
            return why;
    }
    return NULL;
}

const char *http_target_path_refusal(struct span path)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return "the path does not begin with a slash";
    struct segment s = {0};
    for (size_t at = 0; at < path.len; at = s.end) {
        const char *why = read_segment(path, at + 1, PATH_AS_SPELLED, &s);
        if (why == NULL)
            why = odd_segment(&s, is_last(&s, path));
        if (why == NULL && is_dots(&s))
            why = "the path holds a dot segment";
        if (why == NULL && s.n == 0 && !is_last(&s, path))
            why = "the path holds an empty segment";
        if (why != NULL)
            return why;
    }
    return hidden_refusal(path);
}

/* ---- the one spelling ---- */

static size_t put_letter(uint8_t *to, struct letter l)
{
    static const char digits[] = "0123456789ABCDEF";
    if (!l.encoded || is_unreserved(l.byte)) {
        to[0] = l.byte;
        return 1;
    }
    to[0] = '%';
    to[1] = (uint8_t)digits[l.byte >> 4];
    to[2] = (uint8_t)digits[l.byte & 15];
    return 3;
}

static size_t put_segment(uint8_t *to, struct span path, size_t at, size_t end)
{
    size_t n = 0;
    to[n++] = '/';
    for (struct letter l; at < end; at += l.len) {
        l = letter_at(path, at, PATH_AS_SPELLED);
        n += put_letter(to + n, l);
    }
    return n;
}

static size_t without_last_segment(const uint8_t *to, size_t n)
{
    while (n > 0 && to[n - 1] != '/')
        n--;
    return n > 0 ? n - 1 : 0;
}

/* Writes at most path.len bytes; how many, or 0 with the sentence why not. */
static size_t normalize(uint8_t *to, struct span path, const char **why)
{
    size_t n = 0;
    struct segment s = {0};
    for (size_t at = 0; at < path.len; at = s.end) {
        *why = read_segment(path, at + 1, PATH_AS_SPELLED, &s);
        if (*why == NULL)
            *why = odd_segment(&s, is_last(&s, path));
        if (*why != NULL)
            return 0;
        bool folds = s.end == at + 1 || is_dots(&s);
        if (is_dots(&s) && s.n == 2)
            n = without_last_segment(to, n);
        if (!folds)
            n += put_segment(to + n, path, at + 1, s.end);
        else if (is_last(&s, path))
            to[n++] = '/';
    }
    *why = hidden_refusal(span_of(to, n));
    return *why == NULL ? n : 0;
}

int http_target_normalize(struct bytes *out, struct span path, struct err *err)
{
    if (path.len == 0 || path.ptr[0] != '/')
        return err_set(err, ERR_PROTOCOL, "the path does not begin with a slash");
    uint8_t *to = bytes_reserve(out, path.len);
    if (to == NULL)
        return err_set(err, ERR_MEMORY, "the path does not fit into memory");
    const char *why = NULL;
    size_t n = normalize(to, path, &why);
    if (why != NULL)
        return err_set(err, ERR_PROTOCOL, "%s", why);
    bytes_commit(out, n);
    return 0;
}
