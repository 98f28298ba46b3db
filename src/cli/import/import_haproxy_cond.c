/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH = 4 };

static const struct {
    const char *word;
    unsigned bit;
    const char *numbers; /* of OpenSSL, X509_V_ERR_* */
} statuses[] = {
    {"valid", HAPROXY_VALID, "0"}, {"none", HAPROXY_NONE, ""}, {"expired", 1u << 2, "10"}, {"not_yet_valid", 1u << 3, "9"}, {"revoked", 1u << 4, "23"},
    {"unknown_ca", 1u << 5, "18 19 20 21"}, {"wrong_purpose", 1u << 6, "26"}, {"weak", 1u << 7, ""}, {"crl_missing", 1u << 8, "3"},
    {"crl_stale", 1u << 9, "12"}, {"constraint", 1u << 10, "47 48"}, {"not_registered", 1u << 11, ""}, {"suspended", 1u << 12, ""},
    {"registry_stale", 1u << 13, ""}, {"malformed", 1u << 14, ""},
};

unsigned haproxy_status(const char *number)
{
    for (size_t i = 2; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (import_is(number, statuses[i].numbers))
            return statuses[i].bit;
    return 0;
}

const char *haproxy_status_word(unsigned bit)
{
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].bit == bit)
            return statuses[i].word;
    return NULL;
}

/* One test: a fetch, its flags and one value. */
struct term {
    const char *fetch, *value; /* value NULL: none */
    bool is_plain; /* without flags that change what is compared */
    size_t values;
};

static struct term read_term(char *const *w, size_t n)
{
    struct term t = {.fetch = w[0], .is_plain = true};
    for (size_t i = 1; i < n; i++)
        if (strcmp(w[i], "-i") == 0)
            t.is_plain = import_is(t.fetch, "hdr(host) req.hdr(host) hdr(Host) req.hdr(Host) ssl_fc_sni req.ssl_sni req_ssl_sni path path_beg") && t.is_plain;
        else if (strcmp(w[i], "-m") == 0 && i + 1 < n)
            t.is_plain = strcmp(w[++i], "str") == 0 && t.is_plain;
        else if (w[i][0] == '-' && t.values == 0)
            t.is_plain = false;
        else if (strcmp(w[i], "eq") != 0) {
            t.value = w[i];
            t.values++;
        }
    return t;
}

static bool put(char *out, size_t size, const char *value)
{
    int n = out[0] == '\0' ? snprintf(out, size, "%s", value) : -1; /* two hosts at once are no condition of ours */
    return n > 0 && (size_t)n < size;
}

static bool keep(struct haproxy_condition *c, unsigned certs)
{
    c->certs &= certs;
    return true;
}

static bool take_constant(struct haproxy_condition *c, bool holds)
{
    c->never = c->never || !holds;
    return true;
}

static bool take_caller(const struct term *t, bool negated, struct haproxy_condition *c)
{
    static const char *const keys[] = {"cn", "ou", "o", "c", "st", "l"};
    char fetch[32], lower[8] = "";
    if (sscanf(t->fetch, "ssl_c_s_dn(%7[A-Za-z])%1s", lower, fetch) != 1 || c->caller_key[0] != '\0')
        return false;
    for (char *at = lower; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i], lower) == 0) {
            snprintf(c->caller_key, sizeof(c->caller_key), "%s", lower);
            c->denies_caller = negated;
            return put(c->caller, sizeof(c->caller), t->value) && strchr(t->value, '*') == NULL;
        }
    return false;
}

static bool take_path(const struct term *t, bool negated, struct haproxy_condition *c)
{
    char path[256];
    size_t n = strlen(t->value);
    if (t->value[0] != '/' || n >= sizeof(path) || strpbrk(t->value, "*?#") != NULL)
        return false;
    snprintf(path, sizeof(path), "%s", t->value);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = '\0';
    c->is_broader = true;
    c->is_prefix = c->is_prefix || (strcmp(t->fetch, "path_beg") == 0 && t->value[strlen(t->value) - 1] != '/');
    return negated ? put(c->except, sizeof(c->except), path) : put(c->path, sizeof(c->path), path);
}

/* One criterion; false: unknown. */
static bool take(const struct term *t, bool negated, bool tls, struct haproxy_condition *c)
{
    if (import_is(t->fetch, "ssl_fc always_true TRUE") && t->value == NULL)
        return take_constant(c, (strcmp(t->fetch, "ssl_fc") == 0 ? tls : true) != negated);
    if (import_is(t->fetch, "ssl_fc_has_crt ssl_c_used") && (t->value == NULL || strcmp(t->value, "1") == 0))
        return keep(c, negated ? HAPROXY_NONE : HAPROXY_ALL & ~HAPROXY_NONE);
    if (t->value == NULL || t->values != 1 || !t->is_plain)
        return false;
    if (strcmp(t->fetch, "ssl_c_verify") == 0) {
        unsigned bits = strcmp(t->value, "0") == 0 ? HAPROXY_VALID | HAPROXY_NONE : haproxy_status(t->value);
        return bits != 0 && keep(c, negated ? HAPROXY_ALL & ~bits : bits);
    }
    if (import_is(t->fetch, "path path_beg"))
        return take_path(t, negated, c);
    if (strncmp(t->fetch, "ssl_c_s_dn(", 11) == 0)
        return take_caller(t, negated, c);
    if (negated)
        return false;
    if (import_is(t->fetch, "hdr(host) req.hdr(host) hdr(Host) req.hdr(Host) hdr_dom(host)"))
        return put(c->host, sizeof(c->host), t->value);
    if (import_is(t->fetch, "ssl_fc_sni req.ssl_sni req_ssl_sni"))
        return put(c->sni, sizeof(c->sni), t->value);
    return strcmp(t->fetch, "method") == 0 && put(c->method, sizeof(c->method), t->value);
}

struct at {
    const struct haproxy *h;
    const struct haproxy_section *s;
    bool tls;
};

/* The one acl of this name; several of a name are alternatives, which a route has not. */
static bool take_acl(const struct at *at, const char *name, bool negated, struct haproxy_condition *c)
{
    struct haproxy_line line = {0}, found = {0};
    size_t n = 0;
    while (haproxy_next(at->h, at->s, &line))
        if (strcmp(line.w[0], "acl") == 0 && line.n > 2 && strcmp(line.w[1], name) == 0 && n++ == 0) {
            found = line;
            line.text = NULL; /* found owns it now */
        }
    bool fine = false;
    if (n == 1) {
        struct term t = read_term(found.w + 2, found.n - 2);
        fine = take(&t, negated, at->tls, c);
    } else if (n == 0 && import_is(name, "TRUE METH_GET METH_POST HTTP")) {
        fine = strncmp(name, "METH_", 5) == 0 ? !negated && put(c->method, sizeof(c->method), name + 5) : !negated;
    }
    haproxy_done(&found);
    return fine;
}

bool haproxy_condition(const struct haproxy *h, const struct haproxy_section *s, bool tls, struct haproxy_line *line, size_t index,
                       struct haproxy_condition *out)
{
    const struct at at = {h, s, tls};
    *out = (struct haproxy_condition){.certs = HAPROXY_ALL};
    if (index >= line->n)
        return true;
    bool is_unless = strcmp(line->w[index], "unless") == 0;
    if (!is_unless && strcmp(line->w[index], "if") != 0)
        return false;
    size_t terms = 0;
    for (size_t i = index + 1; i < line->n; terms++) {
        bool negated = is_unless;
        for (; i < line->n && line->w[i][0] == '!'; negated = !negated)
            if (line->w[i][1] == '\0')
                i++;
            else
                line->w[i]++; /* the words of a line are read once */
        if (i == line->n || import_is(line->w[i], "or ||"))
            return false;
        size_t from = i, to = i + 1;
        if (strcmp(line->w[i], "{") == 0) {
            for (from = ++i; i < line->n && strcmp(line->w[i], "}") != 0; i++)
                ;
            if (i == line->n || i == from)
                return false;
            to = i;
            struct term t = read_term(line->w + from, to - from);
            if (!take(&t, negated, tls, out))
                return false;
        } else if (!take_acl(&at, line->w[from], negated, out)) {
            return false;
        }
        i++;
    }
    return terms > 0 && (!is_unless || terms == 1); /* unless with several is an alternative */
}
