/* SPDX-License-Identifier: Apache-2.0 */
#include "config_words.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/text.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---- names ---- */

static bool made_of(const char *text, const char *allowed)
{
    return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

bool config_words_is_token(const char *text)
{
    return made_of(text, LETTERS DIGITS "!#$%&'*+-.^_`|~");
}

bool config_words_is_method(const char *text)
{
    return config_words_is_token(text) && text[strcspn(text, "abcdefghijklmnopqrstuvwxyz")] == '\0';
}

bool config_words_is_route(const char *text)
{
    return made_of(text, LETTERS DIGITS "-_");
}

/* ---- statuses ---- */

static bool read_status(const char **p, unsigned *status)
{
    *status = 0;
    for (size_t i = 0; i < 3; i++, ++*p) {
        if (**p < '0' || **p > '9')
            return false;
        *status = *status * 10 + (unsigned)(**p - '0');
    }
    return *status >= 100 && *status <= 599;
}

bool config_words_are_statuses(const char *text)
{
    for (const char *p = text;; p++) {
        unsigned low, high;
        p += strspn(p, " ");
        if (!read_status(&p, &low))
            return false;
        high = low;
        if (*p == '-' && (p++, !read_status(&p, &high)))
            return false;
        p += strspn(p, " ");
        if (high < low || (*p != '\0' && *p != ','))
            return false;
        if (*p == '\0')
            return true;
    }
}

/* ---- paths and URLs ---- */

/* The byte at *p with its percent encoding undone, and p behind it; -1 when that is none. */
static int take_byte(const char **p)
{
    int high, low;
    if (**p != '%')
        return (unsigned char)*(*p)++;
    high = text_hex_digit((uint8_t)(*p)[1]);
    low = high >= 0 ? text_hex_digit((uint8_t)(*p)[2]) : -1;
    if (low < 0)
        return -1;
    *p += 3;
    return high * 16 + low;
}

/* Characters that no path, query or URL holds as they are (RFC 3986 section 2). */
static const char *spelling_refusal(const char *text)
{
    for (const char *p = text; *p != '\0';) {
        unsigned char c = (unsigned char)*p;
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL)
            return c == '\\' ? "it holds a backslash" : c == ' ' ? "it holds a blank: write %20" : "it holds a byte that must be written as %XX";
        int byte = take_byte(&p);
        if (byte < 0)
            return "a % is not followed by two hexadecimal digits";
        if (byte < 0x20 || byte == 0x7f)
            return "it holds an encoded control byte";
    }
    return NULL;
}

/* One segment from behind its slash; *p at its end. */
static const char *segment_refusal(const char **p)
{
    size_t n = 0, dots = 0, blanks = 0;
    while (**p != '\0' && **p != '/') {
        bool plain = **p != '%';
        int byte = take_byte(p);
        if (byte == ';')
            return "';' begins parameters, which are not compared";
        if (!plain && (byte == '/' || byte == '\\'))
            return "it holds an encoded slash or backslash, which is refused in requests";
        dots += byte == '.';
        blanks += byte == ' ';
        n++;
    }
    if (dots == n && (n == 1 || n == 2))
        return "it holds a dot segment, which is refused in requests";
    if (blanks > 0 && dots + blanks == n && dots <= 2)
        return "it holds a segment of blanks, or of dots and blanks, which is refused in requests";
    return n == 0 && **p == '/' ? "it holds an empty segment, which is refused in requests" : NULL;
}

const char *config_words_path_refusal(const char *path)
{
    const char *why = path[0] != '/' ? "it must begin with '/'" : NULL;
    if (why == NULL && strpbrk(path, "?#") != NULL)
        why = "only the path is compared: leave out what begins with '?' or '#'";
    if (why == NULL)
        why = spelling_refusal(path);
    for (const char *p = path; why == NULL && *p == '/';) {
        p++;
        why = segment_refusal(&p);
    }
    return why;
}

const char *config_words_target_refusal(const char *target)
{
    if (target[0] != '/')
        return "it must begin with '/'";
    return strchr(target, '#') != NULL ? "it holds a '#'" : spelling_refusal(target);
}

const char *config_words_location_refusal(const char *location)
{
    const char *host = NULL;
    if (strncasecmp(location, "http://", 7) == 0)
        host = location + 7;
    else if (strncasecmp(location, "https://", 8) == 0)
        host = location + 8;
    else if (location[0] != '/')
        return "it must be an absolute path, \"/...\", or begin with http:// or https://";
    if (host == NULL && (location[1] == '/' || location[1] == '\\'))
        return "behind \"//\" a browser sees another host: write the scheme in front, or one slash";
    if (host != NULL && host[strcspn(host, "/?#@")] == '@')
        return "a user in a URL hides its host";
    if (host != NULL && strchr("/?#:", host[0]) != NULL)
        return "it names no host";
    return spelling_refusal(location);
}

/* ---- hosts ---- */

/* Where the port begins, or the end. An IPv6 address has its own colons, and brackets when a port follows. */
static const char *find_port(const char *host)
{
    const char *colon = strchr(host, ':'), *bracket = strchr(host, ']');
    if (host[0] == '[' && bracket != NULL)
        return bracket + 1;
    return colon != NULL && strchr(colon + 1, ':') == NULL ? colon : host + strlen(host);
}

static bool is_ipv6(const char *host, size_t n)
{
    if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
        host++;
        n -= 2;
    }
    return memchr(host, ':', n) != NULL && hostname_is_well_formed(span_of(host, n));
}

const char *config_words_host_refusal(const char *host, bool pattern, bool port)
{
    const char *colon = find_port(host);
    size_t n = (size_t)(colon - host);
    if (strstr(host, "://") != NULL || strchr(host, '/') != NULL)
        return "write the host alone, without scheme and path";
    if (*colon != '\0' && !port)
        return "hosts are compared without a port: leave it out";
    if (*colon != '\0' && (*colon != ':' || hostname_port(span_from_str(colon + 1)) == 0))
        return "behind the ':' stands no port";
    if (is_ipv6(host, n))
        return !port && host[0] == '[' ? "write the address without brackets" : NULL;
    if (strchr(host, '*') != NULL) {
        if (!pattern)
            return "a * has no meaning here: write each host in full";
        if (strncmp(host, "*.", 2) != 0 || n < 3 || memchr(host + 1, '*', n - 1) != NULL)
            return "a * can only stand for what is in front of a suffix, as in \"*.shop.example\"";
        return hostname_is_pattern(span_of(host, n)) ? NULL : "it is not a host name";
    }
    return hostname_is_well_formed(span_of(host, n)) ? NULL : "it is not a host name";
}

const char *config_words_origin_refusal(const char *origin)
{
    const char *scheme_end = strstr(origin, "://");
    if (strcmp(origin, "null") == 0)
        return NULL;
    if (strcmp(origin, "*") == 0)
        return "any page could then use our certificate: name those that may";
    if (scheme_end == NULL || scheme_end == origin || strspn(origin, LETTERS DIGITS "+-.") != (size_t)(scheme_end - origin))
        return "an origin has a scheme, a host and perhaps a port, as in \"https://console.example\"";
    if (strchr(scheme_end + 3, '/') != NULL)
        return "an origin ends with its host or port: leave out the path and the slash";
    return config_words_host_refusal(scheme_end + 3, false, true);
}

/* ---- fields ---- */

/* '_' counts as '-': backends that make variables of fields cannot tell them apart. */
static bool is_field(const char *name, const char *known)
{
    size_t i = 0;
    while (name[i] != '\0' && (name[i] == '_' ? '-' : tolower((unsigned char)name[i])) == tolower((unsigned char)known[i]))
        i++;
    return name[i] == '\0' && known[i] == '\0';
}

const char *config_words_field_refusal(const char *name)
{
    static const struct {
        const char *name, *why;
    } rows[] = {
        {"Host", "give set_host instead"},
        {"Content-Length", "it says where the body ends"},
        {"Transfer-Encoding", "it says where the body ends"},
        {"Trailer", "it belongs to the connection"},
        {"Connection", "it belongs to the connection"},
        {"Keep-Alive", "it belongs to the connection"},
        {"Proxy-Connection", "it belongs to the connection"},
        {"Proxy-Authorization", "it belongs to the connection"},
        {"Proxy-Authenticate", "it belongs to the connection"},
        {"TE", "it belongs to the connection"},
        {"Upgrade", "it belongs to the connection"},
        {"HTTP2-Settings", "it belongs to the connection"},
        {"Expect", "it is answered here"},
        {"Max-Forwards", "it is counted here"},
        {"Via", "it is written here"},
    };
    if (!config_words_is_token(name))
        return "it cannot be the name of a field";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (is_field(name, rows[i].name))
            return rows[i].why;
    return NULL;
}
