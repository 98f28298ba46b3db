/* SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include "config_source.h"
#include "mtlsd/base/ip_range.h"
#include "mtlsd/base/pin.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/text.h"
#include "mtlsd/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 16 };

/* What a setter may look at: the row, the text, the file it stands in, and the struct that gets it. */
struct slot {
    const struct config_option *o;
    const char *text;
    const char *file;
    void *base;
};

static void *field(const struct slot *s)
{
    return (char *)s->base + s->o->offset;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

static int keep(char **where, char *text, struct err *err)
{
    if (text == NULL)
        return no_memory(err);
    free(*where);
    *where = text;
    return 0;
}

static int append(struct config_strings *list, char *text, struct err *err)
{
    char **items = text != NULL ? realloc(list->items, (list->n + 1) * sizeof(*items)) : NULL;
    if (items == NULL) {
        free(text);
        return no_memory(err);
    }
    list->items = items;
    items[list->n++] = text;
    return 0;
}

bool config_value_word(const char *words, size_t n, const char **word, size_t *len)
{
    for (const char *p = words; *p != '\0';) {
        size_t run = strcspn(p, " ");
        if (n == 0) {
            *word = p;
            *len = run;
            return true;
        }
        n--;
        p += run;
        p += strspn(p, " |");
    }
    return false;
}

static bool find_word(const char *words, const char *text, unsigned *index)
{
    const char *word;
    size_t len;
    for (unsigned i = 0; config_value_word(words, i, &word, &len); i++) {
        if (len == strlen(text) && memcmp(word, text, len) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static int refuse_word(const struct slot *s, struct err *err)
{
    char copies[WORDS_MAX][32];
    const char *candidates[WORDS_MAX], *word;
    size_t n = 0, len;
    while (n < WORDS_MAX && config_value_word(s->o->bounds, n, &word, &len)) {
        snprintf(copies[n], sizeof(copies[n]), "%.*s", (int)len, word);
        candidates[n] = copies[n];
        n++;
    }
    const char *near = text_suggest(s->text, candidates, n);
    if (near != NULL)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a word for this, did you mean \"%s\"? (%s)",
                       s->text, near, s->o->bounds);
    return err_set(err, ERR_CONFIG, "\"%.80s\" is not a word for this: write %s", s->text, s->o->bounds);
}

static int set_word(const struct slot *s, struct err *err)
{
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return refuse_word(s, err);
    memcpy(field(s), &index, sizeof(index)); /* the words stand in the order of the enum */
    return 0;
}

static int set_words(const struct slot *s, struct err *err)
{
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return refuse_word(s, err);
    *(unsigned *)field(s) |= 1U << index;
    return 0;
}

/* In the order of the words, of which "error" is one more. */
static const enum reason statuses[] = {
    REASON_VALID,       REASON_NONE,          REASON_EXPIRED, REASON_NOT_YET_VALID, REASON_REVOKED,
    REASON_UNKNOWN_CA,  REASON_WRONG_PURPOSE, REASON_WEAK,    REASON_CRL_MISSING,   REASON_CRL_STALE,
    REASON_CONSTRAINT,  REASON_MALFORMED,
};

/* The words of tolerate: those of certificates that can be read and are not valid, and "all". */
static int set_tolerated(const struct slot *s, struct err *err)
{
    enum { FIRST = 2, N = sizeof(statuses) / sizeof(statuses[0]) - FIRST - 1 };
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return refuse_word(s, err);
    uint64_t *bits = field(s);
    for (unsigned i = index < N ? index : 0; i <= (index < N ? index : N - 1); i++)
        *bits |= UINT64_C(1) << statuses[FIRST + i];
    return 0;
}

static int set_statuses(const struct slot *s, struct err *err)
{
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return refuse_word(s, err);
    bool error = index == sizeof(statuses) / sizeof(statuses[0]);
    unsigned first = error ? REASON_EXPIRED : statuses[index], last = error ? REASON_MALFORMED : statuses[index];
    for (unsigned i = first; i <= last; i++) /* the bad ones stand in one run */
        *(uint64_t *)field(s) |= UINT64_C(1) << i;
    return 0;
}

static int set_sticky(const struct slot *s, struct err *err)
{
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is not a way to stick: write \"client_cert\", or a group as in { cookie = "
                       "\"JSESSIONID\"; mode = \"suffix\"; }",
                       s->text);
    *(enum config_sticky *)field(s) = CONFIG_STICKY_CLIENT_CERT;
    return 0;
}

static int set_sticky_mode(const struct slot *s, struct err *err)
{
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return refuse_word(s, err);
    *(enum config_sticky *)field(s) = index == 0 ? CONFIG_STICKY_SUFFIX : CONFIG_STICKY_INSERT;
    return 0;
}

static int set_deny(const struct slot *s, struct err *err)
{
    (void)err;
    if (strcmp(s->text, "true") == 0)
        *(unsigned *)field(s) = 403;
    return 0;
}

static int set_bool(const struct slot *s, struct err *err)
{
    (void)err;
    *(bool *)field(s) = strcmp(s->text, "true") == 0;
    return 0;
}

static int read_plain_number(const char *text, uint64_t *number, struct err *err)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return err_set(err, ERR_CONFIG, "%s is not a whole number from 0 up", text);
    *number = strtoull(text, &end, 10);
    return *end == '\0' ? 0 : err_set(err, ERR_CONFIG, "%s is not a whole number", text);
}

/* A number between the two ends of "low..high", all three read the same way. */
static int read_bounded(const struct slot *s, int (*read)(const char *, uint64_t *, struct err *),
                        uint64_t *value, struct err *err)
{
    if (read(s->text, value, err) != 0)
        return -1;
    const char *dots = strstr(s->o->bounds, "..");
    if (dots == NULL)
        return 0;
    char low_text[32];
    uint64_t low = 0, high = 0;
    snprintf(low_text, sizeof(low_text), "%.*s", (int)(dots - s->o->bounds), s->o->bounds);
    if (read(low_text, &low, err) != 0 || read(dots + 2, &high, err) != 0)
        return -1;
    if (*value < low)
        return err_set(err, ERR_CONFIG, "%s is too little: from %s to %s", s->text, low_text, dots + 2);
    if (*value > high)
        return err_set(err, ERR_CONFIG, "%s is too much: from %s to %s", s->text, low_text, dots + 2);
    return 0;
}

static int set_duration(const struct slot *s, struct err *err)
{
    return read_bounded(s, units_duration_ms, field(s), err);
}

static int set_size(const struct slot *s, struct err *err)
{
    return read_bounded(s, units_size, field(s), err);
}

static int set_number(const struct slot *s, struct err *err)
{
    uint64_t value = 0;
    if (read_bounded(s, read_plain_number, &value, err) != 0)
        return -1;
    *(unsigned *)field(s) = (unsigned)value;
    return 0;
}

static int set_choice(const struct slot *s, struct err *err)
{
    uint64_t value = 0;
    unsigned index;
    if (!find_word(s->o->bounds, s->text, &index))
        return err_set(err, ERR_CONFIG, "%s is not possible here: write %s", s->text, s->o->bounds);
    if (read_plain_number(s->text, &value, err) != 0)
        return -1;
    *(unsigned *)field(s) = (unsigned)value;
    return 0;
}

static int set_string(const struct slot *s, struct err *err)
{
    return keep(field(s), strdup(s->text), err);
}

static int set_strings(const struct slot *s, struct err *err)
{
    return append(field(s), strdup(s->text), err);
}

static int set_path(const struct slot *s, struct err *err)
{
    unsigned index;
    if (find_word(s->o->bounds, s->text, &index))
        return set_string(s, err);
    return keep(field(s), config_source_join(s->file, s->text), err);
}

static int set_paths(const struct slot *s, struct err *err)
{
    unsigned index;
    if (find_word(s->o->bounds, s->text, &index))
        return append(field(s), strdup(s->text), err);
    return append(field(s), config_source_join(s->file, s->text), err);
}

static int check_hex(const struct slot *s, size_t digits, struct err *err)
{
    size_t n = 0;
    for (const char *p = s->text; *p != '\0'; p++) {
        if (strchr("0123456789abcdefABCDEF:", *p) == NULL)
            return err_set(err, ERR_CONFIG, "\"%.80s\" is not hexadecimal", s->text);
        n += *p != ':';
    }
    if (n == 0 || (digits > 0 && n != digits))
        return err_set(err, ERR_CONFIG, "\"%.80s\" has %zu hexadecimal digits where %zu are needed", s->text,
                       n, digits > 0 ? digits : 1);
    return 0;
}

static int set_hex(const struct slot *s, struct err *err)
{
    return check_hex(s, 0, err) != 0 ? -1 : set_string(s, err);
}

static int set_sha256(const struct slot *s, struct err *err)
{
    return check_hex(s, 64, err) != 0 ? -1 : set_string(s, err);
}

static int set_pins(const struct slot *s, struct err *err)
{
    unsigned char pin[PIN_SIZE];
    return pin_parse(s->text, pin, err) != 0 ? -1 : set_strings(s, err);
}

static int set_trust_domain(const struct slot *s, struct err *err)
{
    if (!spiffe_is_domain(span_from_str(s->text)))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is not a SPIFFE trust domain: write its name alone, in lower case, as in \"partner.example\"",
                       s->text);
    return set_string(s, err);
}

static int set_ip(const struct slot *s, struct err *err)
{
    struct ip_range range;
    return ip_range_parse(s->text, &range, err) != 0 ? -1 : set_string(s, err);
}

/* Joins the path of a unix socket to the folder of the file it was named in. */
static int parse_address(const struct slot *s, struct address *a, struct err *err)
{
    if (address_parse(s->text, a, err) != 0)
        return -1;
    if (a->kind != ADDRESS_UNIX)
        return 0;
    char *joined = config_source_join(s->file, a->path);
    if (joined == NULL)
        return no_memory(err);
    size_t n = strlen(joined);
    if (n < sizeof(a->path))
        memcpy(a->path, joined, n + 1);
    free(joined);
    if (n >= sizeof(a->path))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is too long: with its folder a socket path has at most %zu bytes", s->text,
                       sizeof(a->path) - 1);
    return 0;
}

static int set_socket(const struct slot *s, struct err *err)
{
    struct address a;
    if (strncmp(s->text, "unix:", 5) != 0)
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is not a unix socket: write \"unix:/run/mtlsd/admin.sock\"", s->text);
    if (parse_address(s, &a, err) != 0)
        return -1;
    return keep(field(s), strdup(a.path), err);
}

static int set_addresses(const struct slot *s, struct err *err)
{
    struct config_listener *l = s->base;
    struct address a;
    if (parse_address(s, &a, err) != 0)
        return -1;
    struct address *bind = realloc(l->bind, (l->n_bind + 1) * sizeof(*bind));
    if (bind == NULL)
        return no_memory(err);
    l->bind = bind;
    struct config_strings texts = {l->bind_text, l->n_bind};
    int rc = append(&texts, strdup(s->text), err);
    l->bind_text = texts.items;
    if (rc == 0)
        bind[l->n_bind++] = a;
    return rc;
}

/* Something that can be connected to. */
static int parse_target(const struct slot *s, struct address *a, struct err *err)
{
    if (parse_address(s, a, err) != 0)
        return -1;
    if (a->kind == ADDRESS_TCP && a->host[0] == '\0')
        return err_set(err, ERR_CONFIG, "\"%.80s\" names no host to connect to", s->text);
    if (a->kind == ADDRESS_TCP && a->port == 0)
        return err_set(err, ERR_CONFIG, "\"%.80s\": nothing listens on port 0", s->text);
    return 0;
}

static int set_target(const struct slot *s, struct err *err)
{
    struct config_target *t = s->base;
    return parse_target(s, &t->address, err) != 0 ? -1 : keep(&t->text, strdup(s->text), err);
}

static int set_proxy(const struct slot *s, struct err *err)
{
    static const char scheme[] = "http://";
    struct config_upstream *u = s->base;
    struct slot inner = *s;
    char plain[300];
    if (strncmp(s->text, "https://", 8) == 0)
        return err_set(err, ERR_CONFIG, "\"%.80s\": the way to the proxy itself is plain HTTP, write \"http://...\"",
                       s->text);
    if (strncmp(s->text, scheme, strlen(scheme)) == 0) {
        int n = snprintf(plain, sizeof(plain), "%s", s->text + strlen(scheme));
        if (n > 0 && (size_t)n < sizeof(plain) && plain[n - 1] == '/')
            plain[n - 1] = '\0';
        inner.text = plain;
    }
    if (strchr(inner.text, '@') != NULL)
        return err_set(err, ERR_CONFIG, "a proxy that wants a user and a password is not supported");
    if (parse_target(&inner, &u->proxy, err) != 0)
        return -1;
    if (u->proxy.kind == ADDRESS_UNIX)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a proxy: write \"host:port\"", s->text);
    return keep(&u->proxy_text, strdup(s->text), err);
}

static int set_host(const struct slot *s, struct err *err)
{
    struct config_upstream *u = s->base;
    struct config_route *route = s->base;
    bool in_route = strcmp(s->o->group, "route") == 0;
    unsigned index = CONFIG_HOST_LITERAL;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
    if (!find_word(s->o->bounds, s->text, &index) && s->text[strspn(s->text, allowed)] != '\0')
        return err_set(err, ERR_CONFIG, "\"%.80s\" cannot stand in a Host header: write %s or a host name",
                       s->text, s->o->bounds);
    *(in_route ? &route->set_host : &u->host) = (enum config_host)index;
    *(in_route ? &route->set_host_given : &u->host_given) = true;
    char **literal = in_route ? &route->set_host_literal : &u->host_literal;
    return index == CONFIG_HOST_LITERAL ? keep(literal, strdup(s->text), err) : 0;
}

struct type {
    const char *name;
    enum config_value_form form;
    bool list;
    int (*set)(const struct slot *s, struct err *err);
};

static const struct type types[] = {
    {"string", CONFIG_VALUE_STRING, false, set_string},
    {"name", CONFIG_VALUE_STRING, false, set_string},
    {"path", CONFIG_VALUE_STRING, false, set_path},
    {"socket", CONFIG_VALUE_STRING, false, set_socket},
    {"host", CONFIG_VALUE_STRING, false, set_host},
    {"hex", CONFIG_VALUE_STRING, false, set_hex},
    {"sha256", CONFIG_VALUE_STRING, false, set_sha256},
    {"ip", CONFIG_VALUE_STRING, false, set_ip},
    {"duration", CONFIG_VALUE_STRING, false, set_duration},
    {"size", CONFIG_VALUE_STRING, false, set_size},
    {"word", CONFIG_VALUE_STRING, false, set_word},
    {"number", CONFIG_VALUE_NUMBER, false, set_number},
    {"bool", CONFIG_VALUE_BOOL, false, set_bool},
    {"strings", CONFIG_VALUE_STRING, true, set_strings},
    {"paths", CONFIG_VALUE_STRING, true, set_paths},
    {"pins", CONFIG_VALUE_STRING, true, set_pins},
    {"trust_domain", CONFIG_VALUE_STRING, false, set_trust_domain},
    {"words", CONFIG_VALUE_STRING, true, set_words},
    {"statuses", CONFIG_VALUE_STRING, true, set_statuses},
    {"tolerated", CONFIG_VALUE_STRING, true, set_tolerated},
    {"addresses", CONFIG_VALUE_STRING, true, set_addresses},
    {"choice", CONFIG_VALUE_NUMBER, false, set_choice},
    {"target", CONFIG_VALUE_STRING, false, set_target},
    {"proxy", CONFIG_VALUE_STRING, false, set_proxy},
    {"sticky", CONFIG_VALUE_STRING, false, set_sticky},
    {"sticky_mode", CONFIG_VALUE_STRING, false, set_sticky_mode},
    {"deny", CONFIG_VALUE_BOOL, false, set_deny},
    {"group", CONFIG_VALUE_GROUP, false, NULL},
    {"groups", CONFIG_VALUE_GROUP, false, NULL},
    {"headers", CONFIG_VALUE_GROUP, false, NULL},
    {"rules", CONFIG_VALUE_GROUP, true, NULL},
    {"routes", CONFIG_VALUE_GROUP, true, NULL},
    {"targets", CONFIG_VALUE_GROUP, true, NULL},
    {"identities", CONFIG_VALUE_GROUP, true, NULL},
};

static const struct type *type_of(const struct config_option *o)
{
    size_t i = 0;
    while (strcmp(types[i].name, o->type) != 0)
        i++; /* the table of options holds no other word, a test sees to it */
    return &types[i];
}

enum config_value_form config_value_form(const struct config_option *o)
{
    return type_of(o)->form;
}

bool config_value_takes_list(const struct config_option *o)
{
    return type_of(o)->list;
}

int config_value_check_text(const char *text, struct err *err)
{
    if (text[0] == '\0')
        return err_set(err, ERR_CONFIG, "is empty: write a value or leave the key out");
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return err_set(err, ERR_CONFIG, "holds a control character");
    return 0;
}

int config_value_set(const struct config_option *o, const char *text, const char *file, void *base,
                     struct err *err)
{
    struct slot slot = {o, text, file, base};
    if (config_value_check_text(text, err) != 0)
        return -1;
    return type_of(o)->set(&slot, err);
}

static void free_strings(struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct config_strings){0};
}

static void free_bind(struct config_listener *l)
{
    struct config_strings texts = {l->bind_text, l->n_bind};
    free_strings(&texts);
    free(l->bind);
}

void config_value_free(const struct config_option *o, void *base)
{
    static const char *const owning[] = {"string", "name", "path", "socket", "hex", "sha256", "trust_domain", "ip"};
    char *at = (char *)base + o->offset;
    for (size_t i = 0; i < sizeof(owning) / sizeof(owning[0]); i++)
        if (strcmp(o->type, owning[i]) == 0)
            free(*(char **)(void *)at);
    if (strcmp(o->type, "strings") == 0 || strcmp(o->type, "paths") == 0 || strcmp(o->type, "pins") == 0)
        free_strings((struct config_strings *)(void *)at);
    else if (strcmp(o->type, "addresses") == 0)
        free_bind(base);
    else if (strcmp(o->type, "target") == 0)
        free(((struct config_target *)base)->text);
    else if (strcmp(o->type, "proxy") == 0)
        free(((struct config_upstream *)base)->proxy_text);
    else if (strcmp(o->type, "host") == 0)
        free(strcmp(o->group, "route") == 0 ? ((struct config_route *)base)->set_host_literal
                                            : ((struct config_upstream *)base)->host_literal);
}
