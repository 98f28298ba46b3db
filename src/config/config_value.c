/* SPDX-License-Identifier: Apache-2.0 */
#include "config_value.h"

#include "config_choice.h"
#include "config_place.h"
#include "config_registry.h"
#include "config_slot.h"
#include "mtlsd/base/ip_range.h"
#include "mtlsd/base/pin.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int set_deny(const struct config_slot *s, struct err *err)
{
    (void)err;
    if (strcmp(s->text, "true") == 0)
        *(unsigned *)config_slot_field(s) = 403;
    return 0;
}

static int set_bool(const struct config_slot *s, struct err *err)
{
    (void)err;
    *(bool *)config_slot_field(s) = strcmp(s->text, "true") == 0;
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
static int read_bounded(const struct config_slot *s, int (*read)(const char *, uint64_t *, struct err *),
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

static int set_duration(const struct config_slot *s, struct err *err)
{
    return read_bounded(s, units_duration_ms, config_slot_field(s), err);
}

static int set_size(const struct config_slot *s, struct err *err)
{
    return read_bounded(s, units_size, config_slot_field(s), err);
}

static int set_number(const struct config_slot *s, struct err *err)
{
    uint64_t value = 0;
    if (read_bounded(s, read_plain_number, &value, err) != 0)
        return -1;
    *(unsigned *)config_slot_field(s) = (unsigned)value;
    return 0;
}

static int set_choice(const struct config_slot *s, struct err *err)
{
    uint64_t value = 0;
    unsigned index;
    if (!config_choice_find(s, &index))
        return err_set(err, ERR_CONFIG, "%s is not possible here: write %s", s->text, s->o->bounds);
    if (read_plain_number(s->text, &value, err) != 0)
        return -1;
    *(unsigned *)config_slot_field(s) = (unsigned)value;
    return 0;
}

static int check_hex(const struct config_slot *s, size_t digits, struct err *err)
{
    size_t n = 0;
    for (const char *p = s->text; *p != '\0'; p++) {
        if (strchr("0123456789abcdefABCDEF:", *p) == NULL)
            return err_set(err, ERR_CONFIG, "\"%.80s\" is not hexadecimal%s", s->text,
                           strchr(s->text, '=') != NULL ? ": write only the text after the '='" : strncmp(s->text, "0x", 2) == 0 ? ": write it without 0x" : "");
        n += *p != ':';
    }
    if (n == 0 || (digits > 0 && n != digits))
        return err_set(err, ERR_CONFIG, "\"%.80s\" has %zu hexadecimal digits where %zu are needed", s->text,
                       n, digits > 0 ? digits : 1);
    return 0;
}

static int set_hex(const struct config_slot *s, struct err *err)
{
    return check_hex(s, 0, err) != 0 ? -1 : config_slot_set_text(s, err);
}

static int set_sha256(const struct config_slot *s, struct err *err)
{
    return check_hex(s, 64, err) != 0 ? -1 : config_slot_set_text(s, err);
}

static int set_pins(const struct config_slot *s, struct err *err)
{
    unsigned char pin[PIN_SIZE];
    return pin_parse(s->text, pin, err) != 0 ? -1 : config_slot_add_text(s, err);
}

static int add_trust_domain(const struct config_slot *s, struct err *err)
{
    if (!spiffe_is_domain(span_from_str(s->text)))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is not a SPIFFE trust domain: write its name alone, in lower case, as in "
                       "\"partner.example\"",
                       s->text);
    return config_slot_add_text(s, err);
}

static int set_ip(const struct config_slot *s, struct err *err)
{
    struct ip_range range;
    return ip_range_parse(s->text, &range, err) != 0 ? -1 : config_slot_set_text(s, err);
}

static int set_ranges(const struct config_slot *s, struct err *err)
{
    struct config_ranges *ranges = config_slot_field(s);
    struct ip_range range;
    if (strcmp(s->text, "unix") == 0) {
        ranges->sockets = true;
        return 0;
    }
    if (ip_range_parse(s->text, &range, err) != 0)
        return -1;
    if (range.bits == 0)
        return err_set(err, ERR_CONFIG, "\"%.80s\" holds every client, and each could claim any address: list the addresses of your own proxies", s->text);
    struct ip_range *items = realloc(ranges->items, (ranges->n + 1) * sizeof(*items));
    if (items == NULL)
        return config_slot_no_memory(err);
    ranges->items = items;
    items[ranges->n++] = range;
    return 0;
}

static void free_ranges(const struct config_slot *s)
{
    free(((struct config_ranges *)config_slot_field(s))->items);
}

/* "12h" or "100MiB", which have no unit in common. */
static int set_rotate(const struct config_slot *s, struct err *err)
{
    enum { LEAST_MS = 1000, LEAST_BYTES = 64 * 1024 };
    struct config_rotate *rotate = config_slot_field(s);
    struct err ignored;
    uint64_t value;
    err_clear(&ignored);
    if (units_duration_ms(s->text, &value, &ignored) == 0) {
        rotate->every_ms = value;
        return value >= LEAST_MS && value % LEAST_MS == 0 ? 0 : err_set(err, ERR_CONFIG, "%s is no period: write whole seconds, from 1s", s->text);
    }
    if (s->text[strspn(s->text, "0123456789")] == '\0' || units_size(s->text, &value, NULL) != 0)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is neither a duration nor a size: write for example \"12h\" or \"100MiB\"", s->text);
    rotate->bytes = value;
    return value >= LEAST_BYTES ? 0 : err_set(err, ERR_CONFIG, "%s is too little: from 64KiB", s->text);
}

/* "" is a name, too: the server as a whole. */
static int set_service(const struct config_slot *s, struct err *err)
{
    enum { MOST = 255 };
    for (const char *p = s->text; *p != '\0'; p++)
        if (*p <= ' ' || *p > '~')
            return err_set(err, ERR_CONFIG, "\"%.80s\" is not the name of a gRPC service: write it without spaces, as in \"shop.Cart\"", s->text);
    if (strlen(s->text) > MOST)
        return err_set(err, ERR_CONFIG, "\"%.80s...\" is too long for the name of a gRPC service: at most %d bytes", s->text, MOST);
    return config_slot_set_text(s, err);
}

/* Of several lines. */
static int set_lines(const struct config_slot *s, struct err *err)
{
    if (s->text[0] == '\0')
        return err_set(err, ERR_CONFIG, "is empty: write a value or leave the key out");
    for (const char *p = s->text; *p != '\0'; p++)
        if (((unsigned char)*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f)
            return err_set(err, ERR_CONFIG, "holds a control character other than \\n and \\t");
    return config_slot_set_text(s, err);
}

static int set_contact(const struct config_slot *s, struct err *err)
{
    enum { MOST = 256 };
    if (strlen(s->text) > MOST)
        return err_set(err, ERR_CONFIG, "\"%.80s...\" is too long: at most %d bytes", s->text, MOST);
    return config_slot_set_text(s, err);
}

/* A user or group, by name or number. Which names there are is asked when the configuration is loaded. */
static int set_account(const struct config_slot *s, struct err *err)
{
    enum { MOST = 255 };
    uint64_t number = 0;
    if (s->text[0] == '-' || strchr(s->text, ':') != NULL || strlen(s->text) > MOST)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is neither a name nor a number from 0 up", s->text);
    if (s->text[strspn(s->text, "0123456789")] == '\0' && (read_plain_number(s->text, &number, err) != 0 || number >= UINT32_MAX))
        return err_set(err, ERR_CONFIG, "%.80s is too much: numbers end at 4294967294", s->text);
    return config_slot_add_text(s, err);
}

/* One identity, or several that differ in their kind of key. */
static struct config_strings *choices_of(const struct config_slot *s)
{
    if (strcmp(s->o->group, "sni") == 0)
        return &((struct config_sni *)s->base)->choices;
    return &((struct config_listener *)s->base)->tls.choices;
}

static int set_identities(const struct config_slot *s, struct err *err)
{
    char **first = config_slot_field(s);
    struct config_strings *all = choices_of(s);
    if (*first == NULL)
        return config_slot_set_text(s, err);
    if (all->n == 0 && config_slot_append(all, strdup(*first), err) != 0)
        return -1;
    return config_slot_append(all, strdup(s->text), err);
}

static void free_identities(const struct config_slot *s)
{
    config_slot_free_text(s);
    config_slot_free_list(choices_of(s));
}

struct type {
    const char *name;
    enum config_value_form form;
    bool list;
    config_slot_set_fn set;
    config_slot_free_fn free; /* NULL: nothing of it is owned */
};

static const struct type types[] = {
    {"string", CONFIG_VALUE_STRING, false, config_slot_set_text, config_slot_free_text},
    {"contact", CONFIG_VALUE_STRING, false, set_contact, config_slot_free_text},
    {"text", CONFIG_VALUE_STRING, false, set_lines, config_slot_free_text},
    {"respond", CONFIG_VALUE_NUMBER, false, set_number, NULL},
    {"name", CONFIG_VALUE_STRING, false, config_slot_set_text, config_slot_free_text},
    {"names", CONFIG_VALUE_STRING, true, set_identities, free_identities},
    {"service", CONFIG_VALUE_STRING, false, set_service, config_slot_free_text},
    {"path", CONFIG_VALUE_STRING, false, config_place_set_path, config_slot_free_text},
    {"socket", CONFIG_VALUE_STRING, false, config_place_set_socket, config_slot_free_text},
    {"listen", CONFIG_VALUE_STRING, false, config_place_set_listen, config_place_free_listen},
    {"host", CONFIG_VALUE_STRING, false, config_place_set_host, config_place_free_host},
    {"hex", CONFIG_VALUE_STRING, false, set_hex, config_slot_free_text},
    {"sha256", CONFIG_VALUE_STRING, false, set_sha256, config_slot_free_text},
    {"ip", CONFIG_VALUE_STRING, false, set_ip, config_slot_free_text},
    {"rotate", CONFIG_VALUE_STRING, true, set_rotate, NULL},
    {"ranges", CONFIG_VALUE_STRING, true, set_ranges, free_ranges},
    {"duration", CONFIG_VALUE_STRING, false, set_duration, NULL},
    {"size", CONFIG_VALUE_STRING, false, set_size, NULL},
    {"word", CONFIG_VALUE_STRING, false, config_choice_set_word, NULL},
    {"format", CONFIG_VALUE_STRING, false, config_choice_set_format, config_choice_free_format},
    {"number", CONFIG_VALUE_NUMBER, false, set_number, NULL},
    {"bool", CONFIG_VALUE_BOOL, false, set_bool, NULL},
    {"strings", CONFIG_VALUE_STRING, true, config_slot_add_text, config_slot_free_texts},
    {"paths", CONFIG_VALUE_STRING, true, config_place_set_paths, config_slot_free_texts},
    {"pins", CONFIG_VALUE_STRING, true, set_pins, config_slot_free_texts},
    {"trust_domains", CONFIG_VALUE_STRING, true, add_trust_domain, config_slot_free_texts},
    {"accounts", CONFIG_VALUE_STRING_OR_NUMBER, true, set_account, config_slot_free_texts},
    {"words", CONFIG_VALUE_STRING, true, config_choice_set_words, NULL},
    {"statuses", CONFIG_VALUE_STRING, true, config_choice_set_statuses, NULL},
    {"tolerated", CONFIG_VALUE_STRING, true, config_choice_set_tolerated, NULL},
    {"addresses", CONFIG_VALUE_STRING, true, config_place_set_addresses, config_place_free_addresses},
    {"choice", CONFIG_VALUE_NUMBER, false, set_choice, NULL},
    {"target", CONFIG_VALUE_STRING, false, config_place_set_target, config_place_free_target},
    {"proxy", CONFIG_VALUE_STRING, false, config_place_set_proxy, config_place_free_proxy},
    {"database", CONFIG_VALUE_STRING, false, config_registry_set_database, config_slot_free_text},
    {"sticky", CONFIG_VALUE_STRING, false, config_choice_set_sticky, NULL},
    {"sticky_mode", CONFIG_VALUE_STRING, false, config_choice_set_sticky_mode, NULL},
    {"serve", CONFIG_VALUE_STRING, false, config_choice_set_serve, NULL},
    {"deny", CONFIG_VALUE_BOOL, false, set_deny, NULL},
    {"group", CONFIG_VALUE_GROUP, false, NULL, NULL},
    {"groups", CONFIG_VALUE_GROUP, false, NULL, NULL},
    {"headers", CONFIG_VALUE_GROUP, false, NULL, NULL},
    {"attributes", CONFIG_VALUE_GROUP, false, NULL, NULL},
    {"rules", CONFIG_VALUE_GROUP, true, NULL, NULL},
    {"routes", CONFIG_VALUE_GROUP, true, NULL, NULL},
    {"targets", CONFIG_VALUE_GROUP, true, NULL, NULL},
    {"identities", CONFIG_VALUE_GROUP, true, NULL, NULL},
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
    struct config_slot slot = {o, text, file, base};
    const struct type *type = type_of(o);
    if (type->set != set_lines && (text[0] != '\0' || type->set != set_service) && config_value_check_text(text, err) != 0)
        return -1;
    return type->set(&slot, err);
}

void config_value_free(const struct config_option *o, void *base)
{
    const struct config_slot slot = {.o = o, .base = base};
    const struct type *type = type_of(o);
    if (type->free != NULL)
        type->free(&slot);
}
