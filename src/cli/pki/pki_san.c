/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include "mtlsd/base/hostname.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { ONE_MAX = 2048, ALL_MAX = 64 * 1024 };

#define HOW "write dns:HOST, ip:ADDRESS, uri:URI or email:ADDRESS"

enum type { DNS, IP, URI, EMAIL, NONE };

static const char *const words[] = {[DNS] = "dns", [IP] = "ip", [URI] = "uri", [EMAIL] = "email"};

static const struct {
    const char *prefix; /* as OpenSSL reads and writes them, in any case */
    enum type type;
} prefixes[] = {{"dns:", DNS}, {"ip:", IP}, {"ip address:", IP}, {"uri:", URI}, {"email:", EMAIL}};

static enum type type_of(const char *text, const char **value)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        size_t n = strlen(prefixes[i].prefix);
        if (strncasecmp(text, prefixes[i].prefix, n) == 0) {
            *value = text + n;
            return prefixes[i].type;
        }
    }
    *value = text;
    return NONE;
}

static bool is_address(const char *text)
{
    uint8_t raw[16];
    return inet_pton(AF_INET, text, raw) == 1 || inet_pton(AF_INET6, text, raw) == 1;
}

/* Other letters than ASCII's become punycode when the certificate is made. */
static bool is_host(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            return true;
    return !is_address(text) && hostname_is_pattern(span_from_str(text));
}

static bool has_scheme(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");
    return n > 0 && text[n] == ':' && text[n + 1] != '\0';
}

/* A name of which a type was guessed or given. */
static int add(struct pki_san *out, enum type type, const char *value, struct err *err)
{
    if (out->names.n == FLAGS_LIST_MAX)
        return err_set(err, ERR_USAGE, "--san: more than %d names", FLAGS_LIST_MAX);
    size_t at = out->text.len;
    if (bytes_printf(&out->text, "%s:%s", words[type], value) != 0 || bytes_append(&out->text, "", 1) != 0)
        return err_set(err, ERR_USAGE, "--san: the names are too long");
    out->names.items[out->names.n++] = (const char *)bytes_span(&out->text).ptr + at;
    return 0;
}

/* https://HOST[:PORT][/...]: a browser looks for the host in dns. */
static int refuse_url(const char *text, struct err *err)
{
    const char *host = strstr(text, "://") + 3;
    size_t n = strcspn(host, ":/?#");
    return err_set(err, ERR_USAGE, "--san: \"%.200s\" is a URL: clients look for its host, write dns:%.*s (or uri:%.200s if it is the URI that peers compare)", text,
                   (int)(n < 200 ? n : 200), host, text);
}

static bool is_url(const char *text)
{
    return strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0;
}

static int add_dns(struct pki_san *out, char *value, struct err *err)
{
    size_t n = strlen(value), port = strcspn(value, ":");
    if (strstr(value, "://") != NULL)
        return refuse_url(value, err);
    if (is_address(value))
        return err_set(err, ERR_USAGE, "--san: dns:%.200s is an address, for which peers do not look there: write ip:%.200s", value, value);
    if (port > 0 && port < n && strspn(value + port + 1, "0123456789") == n - port - 1)
        return err_set(err, ERR_USAGE, "--san: \"%.200s\" has a port, and a certificate holds for all ports: write dns:%.*s", value, (int)(port < 200 ? port : 200),
                       value);
    if (!is_host(value))
        return err_set(err, ERR_USAGE,
                       "--san: \"%.200s\" is not a host name: labels of letters, digits and '-' with dots between them, or \"*.\" and such a name", value);
    if (n > 1 && value[n - 1] == '.')
        value[n - 1] = '\0';
    return add(out, DNS, value, err);
}

static int add_ip(struct pki_san *out, char *value, struct err *err)
{
    size_t n = strlen(value);
    if (n > 2 && value[0] == '[' && value[n - 1] == ']') {
        value[n - 1] = '\0';
        value++;
    }
    if (!is_address(value))
        return err_set(err, ERR_USAGE, "--san: ip:%.200s is not an IP address: write for example ip:192.0.2.1, without port and prefix length", value);
    return add(out, IP, value, err);
}

static int add_untyped(struct pki_san *out, char *text, struct err *err)
{
    size_t n = strlen(text);
    if (is_url(text))
        return refuse_url(text, err);
    if (strstr(text, "://") != NULL || strncasecmp(text, "urn:", 4) == 0)
        return add(out, URI, text, err);
    if (is_address(text) || (n > 2 && text[0] == '[' && text[n - 1] == ']'))
        return add_ip(out, text, err);
    const char *at = strchr(text, '@');
    if (at != NULL && at > text && is_host(at + 1))
        return add(out, EMAIL, text, err);
    size_t label = strcspn(text, ":");
    bool has_port = text[label] == ':' && text[label + 1 + strspn(text + label + 1, "0123456789")] == '\0';
    if (is_host(text) || has_port)
        return add_dns(out, text, err);
    return err_set(err, ERR_USAGE, "--san: \"%.200s\" is not a name: " HOW, text);
}

static int add_one(struct pki_san *out, char *text, struct err *err)
{
    const char *found;
    enum type type = type_of(text, &found);
    char *value = text + (found - text);
    value += strspn(value, " ");
    if (value[0] == '\0')
        return err_set(err, ERR_USAGE, "--san: \"%.200s\" has no name in it: " HOW, text);
    switch (type) {
    case DNS:
        return add_dns(out, value, err);
    case IP:
        return add_ip(out, value, err);
    case URI:
        return has_scheme(value) ? add(out, URI, value, err)
                                 : err_set(err, ERR_USAGE, "--san: uri:%.200s is not a URI: write for example uri:spiffe://example.org/app", value);
    case EMAIL:
        return strchr(value, '@') != NULL ? add(out, EMAIL, value, err)
                                          : err_set(err, ERR_USAGE, "--san: email:%.200s is not an address: write for example email:ops@example.org", value);
    case NONE:
        break;
    }
    return add_untyped(out, value, err);
}

/* Where one name ends: at a comma, but for one within a URI, behind which no other type begins. */
static size_t length_of_one(const char *text)
{
    const char *value;
    bool uri = type_of(text, &value) == URI;
    size_t n = strcspn(text, ",");
    while (uri && text[n] == ',') {
        const char *next = text + n + 1;
        if (type_of(next + strspn(next, " "), &value) != NONE)
            break;
        n += 1 + strcspn(next, ",");
    }
    return n;
}

static int read_value(struct pki_san *out, const char *text, struct err *err)
{
    char one[ONE_MAX];
    for (;;) {
        text += strspn(text, " ");
        size_t n = length_of_one(text), used = n;
        if (n >= sizeof(one))
            return err_set(err, ERR_USAGE, "--san: a name is longer than %d bytes", ONE_MAX - 1);
        while (used > 0 && text[used - 1] == ' ')
            used--;
        memcpy(one, text, used);
        one[used] = '\0';
        if (add_one(out, one, err) != 0)
            return -1;
        if (text[n] == '\0')
            return 0;
        text += n + 1;
    }
}

int pki_san_read(const struct flag_list *values, struct pki_san *out, struct err *err)
{
    *out = (struct pki_san){.names = {.n = 0}};
    bytes_init(&out->text, ALL_MAX);
    if (bytes_reserve(&out->text, ALL_MAX) == NULL) /* so that the names stay where they are */
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < values->n; i++)
        if (read_value(out, values->items[i], err) != 0)
            return -1;
    return 0;
}

void pki_san_clear(struct pki_san *s)
{
    bytes_clear(&s->text);
    s->names.n = 0;
}
