/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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

/* One test: a fetch with its flags, and values of which one has to match. */
struct term {
    const char *fetch;
    char *const *values;
    size_t n_values;
    const char *value; /* the one that is looked at; NULL: it has none */
    bool is_plain;     /* without flags that change what is compared */
    bool is_above;     /* gt: the values are lower bounds */
};

static struct term read_term(char *const *w, size_t n)
{
    struct term t = {.fetch = w[0], .is_plain = true};
    size_t i = 1;
    for (; i < n && t.n_values == 0; i++)
        if (strcmp(w[i], "-i") == 0)
            t.is_plain = import_is(t.fetch, "hdr(host) req.hdr(host) hdr(Host) req.hdr(Host) ssl_fc_sni req.ssl_sni req_ssl_sni path path_beg") && t.is_plain;
        else if (strcmp(w[i], "-m") == 0 && i + 1 < n)
            t.is_plain = strcmp(w[++i], "str") == 0 && t.is_plain;
        else if (w[i][0] == '-' || import_is(w[i], "ge le lt"))
            t.is_plain = false;
        else if (strcmp(w[i], "gt") == 0)
            t.is_above = true;
        else if (strcmp(w[i], "eq") != 0)
            t.n_values = n - i;
    t.values = w + n - t.n_values;
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
    if (sscanf(t->fetch, "ssl_c_s_dn(%7[A-Za-z])%1s", lower, fetch) != 1 || strpbrk(t->value, "*\n") != NULL)
        return false;
    for (char *at = lower; *at != '\0'; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (strcmp(keys[i], lower) == 0) {
            c->denies_caller = negated;
            int n = snprintf(c->callers, sizeof(c->callers), "%s=%s\n", lower, t->value);
            return n > 0 && (size_t)n < sizeof(c->callers);
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
    if (t->is_above && (strcmp(t->fetch, "ssl_c_verify") != 0 || t->value == NULL || strcmp(t->value, "0") != 0))
        return false;
    negated = negated != t->is_above; /* more than 0 is anything but 0 */
    if (import_is(t->fetch, "ssl_fc always_true TRUE") && t->value == NULL)
        return take_constant(c, (strcmp(t->fetch, "ssl_fc") == 0 ? tls : true) != negated);
    if (import_is(t->fetch, "ssl_fc_has_crt ssl_c_used") && (t->value == NULL || strcmp(t->value, "1") == 0))
        return keep(c, negated ? HAPROXY_NONE : HAPROXY_ALL & ~HAPROXY_NONE);
    if (t->value == NULL || !t->is_plain)
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
    if (import_is(t->fetch, "hdr(host) req.hdr(host) hdr(Host) req.hdr(Host)"))
        return put(c->host, sizeof(c->host), t->value);
    if (import_is(t->fetch, "ssl_fc_sni req.ssl_sni req_ssl_sni"))
        return put(c->sni, sizeof(c->sni), t->value);
    return strcmp(t->fetch, "method") == 0 && put(c->method, sizeof(c->method), t->value);
}

/* ---- alternatives: a list of conditions of which one has to hold ---- */

struct at {
    const struct haproxy *h;
    const struct haproxy_section *s;
    bool tls;
};

static bool add(struct haproxy_alternatives *to, const struct haproxy_condition *c)
{
    if (c->never || c->certs == 0)
        return true;
    if (to->n == HAPROXY_ALTERNATIVES)
        return false;
    to->items[to->n++] = *c;
    return true;
}

/* Two texts that both have to match: the same, one alone, or never. Letters of either case are the same, as they may be to HAProxy. */
static void join_text(char *to, size_t size, const char *other, bool *never)
{
    if (to[0] == '\0')
        snprintf(to, size, "%s", other);
    else if (other[0] != '\0' && strcasecmp(to, other) != 0)
        *never = true;
}

/* None of some and none of others is none of all. One of some and one of others is more than a rule can say. */
static bool join_callers(struct haproxy_condition *to, const struct haproxy_condition *other)
{
    size_t n = strlen(to->callers);
    if (n > 0 && other->callers[0] != '\0' && (!to->denies_caller || !other->denies_caller))
        return false;
    return snprintf(to->callers + n, sizeof(to->callers) - n, "%s", other->callers) < (int)(sizeof(to->callers) - n);
}

bool haproxy_both(const struct haproxy_condition *a, const struct haproxy_condition *b, struct haproxy_condition *out)
{
    struct haproxy_condition c = *a;
    bool other_path = false, other_except = false;
    join_text(c.host, sizeof(c.host), b->host, &c.never);
    join_text(c.sni, sizeof(c.sni), b->sni, &c.never);
    join_text(c.method, sizeof(c.method), b->method, &c.never);
    join_text(c.path, sizeof(c.path), b->path, &other_path);
    join_text(c.except, sizeof(c.except), b->except, &other_except);
    if (other_path || other_except || !join_callers(&c, b))
        return false;
    c.certs &= b->certs;
    c.never = c.never || b->never;
    c.is_prefix = c.is_prefix || b->is_prefix;
    c.is_broader = c.is_broader || b->is_broader;
    c.denies_caller = c.denies_caller || b->denies_caller;
    *out = c;
    return true;
}

/* One of each has to hold: *to becomes the list of all pairs. */
static bool multiply(struct haproxy_alternatives *to, const struct haproxy_alternatives *with)
{
    struct haproxy_alternatives all = {.n = 0};
    for (size_t i = 0; i < to->n; i++)
        for (size_t k = 0; k < with->n; k++) {
            struct haproxy_condition c;
            if (!haproxy_both(&to->items[i], &with->items[k], &c) || !add(&all, &c))
                return false;
        }
    *to = all;
    return true;
}

static bool append(struct haproxy_alternatives *to, const struct haproxy_alternatives *more)
{
    for (size_t i = 0; i < more->n; i++)
        if (!add(to, &more->items[i]))
            return false;
    return true;
}

static const struct haproxy_alternatives everything = {{{.certs = HAPROXY_ALL}}, 1};

/* A test with its values: one of them matches, or, negated, none does. */
static bool read_values(const struct at *at, struct term t, bool negated, struct haproxy_alternatives *out)
{
    *out = negated ? everything : (struct haproxy_alternatives){.n = 0};
    for (size_t i = 0; i < (t.n_values > 0 ? t.n_values : 1); i++) {
        struct haproxy_alternatives one = everything;
        t.value = t.n_values > 0 ? t.values[i] : NULL;
        if (!take(&t, negated, at->tls, &one.items[0]) || !(negated ? multiply(out, &one) : add(out, &one.items[0])))
            return false;
    }
    return true;
}

/* The acls of this name, which are alternatives. */
static bool read_acls(const struct at *at, const char *name, bool negated, struct haproxy_alternatives *out)
{
    struct haproxy_line line = {0};
    size_t n = 0;
    bool fine = true;
    *out = negated ? everything : (struct haproxy_alternatives){.n = 0};
    while (haproxy_next(at->h, at->s, &line)) {
        struct haproxy_alternatives one;
        if (strcmp(line.w[0], "acl") != 0 || line.n < 3 || strcmp(line.w[1], name) != 0)
            continue;
        n++;
        fine = fine && read_values(at, read_term(line.w + 2, line.n - 2), negated, &one) && (negated ? multiply(out, &one) : append(out, &one));
    }
    if (n > 0)
        return fine;
    struct haproxy_condition *known = &(*out = everything).items[0];
    if (import_is(name, "TRUE HTTP"))
        return take_constant(known, !negated) && (!known->never || (out->n = 0) == 0);
    return import_is(name, "METH_GET METH_POST") && !negated && put(known->method, sizeof(known->method), name + 5);
}

/* One term of the words from *i on: an acl's name or a test in braces, negated by any number of "!". */
static bool read_literal(const struct at *at, struct haproxy_line *line, size_t *i, bool negated, struct haproxy_alternatives *out)
{
    for (; *i < line->n && line->w[*i][0] == '!'; negated = !negated)
        if (line->w[*i][1] == '\0')
            ++*i;
        else
            line->w[*i]++; /* the words of a line are read once */
    if (*i == line->n)
        return false;
    size_t from = *i;
    if (strcmp(line->w[from], "{") != 0)
        return read_acls(at, line->w[(*i)++], negated, out);
    for (from = ++*i; *i < line->n && strcmp(line->w[*i], "}") != 0; ++*i)
        ;
    if (*i == line->n || *i == from)
        return false;
    return read_values(at, read_term(line->w + from, (*i)++ - from), negated, out);
}

/*
 * if A B or C is (A and B) or C. unless is the opposite: every part between two "or" has a term that does not hold.
 */
bool haproxy_conditions(const struct haproxy *h, const struct haproxy_section *s, bool tls, struct haproxy_line *line, size_t index, struct haproxy_alternatives *out)
{
    const struct at at = {h, s, tls};
    *out = everything;
    if (index >= line->n)
        return true;
    bool is_unless = strcmp(line->w[index], "unless") == 0;
    if ((!is_unless && strcmp(line->w[index], "if") != 0) || index + 1 == line->n)
        return false;
    struct haproxy_alternatives part = is_unless ? (struct haproxy_alternatives){.n = 0} : everything, literal;
    if (!is_unless)
        out->n = 0;
    for (size_t i = index + 1; i <= line->n; ) {
        bool ends = i == line->n || import_is(line->w[i], "or ||");
        if (!ends) {
            if (!read_literal(&at, line, &i, is_unless, &literal) || !(is_unless ? append(&part, &literal) : multiply(&part, &literal)))
                return false;
            continue;
        }
        if (i == index + 1 || import_is(line->w[i - 1], "or ||") || !(is_unless ? multiply(out, &part) : append(out, &part)))
            return false;
        part = is_unless ? (struct haproxy_alternatives){.n = 0} : everything;
        i++;
    }
    return true;
}
