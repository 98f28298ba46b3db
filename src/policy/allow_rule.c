/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"

#include "mtlsd/base/ip_range.h"
#include "mtlsd/base/text.h"
#include "mtlsd/config/config_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char **value_of(struct config_allow *rule, const struct config_rule_key *key)
{
    return (char **)(void *)((char *)rule + key->offset);
}

void allow_rule_describe(const struct config_allow *rule, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; rule != NULL && i < CONFIG_RULE_KEYS; i++) {
        const char *pattern = config_rule_value(rule, &config_rule_keys[i]);
        if (pattern == NULL)
            continue;
        int n = snprintf(out + used, size - used, "%s%s = \"%s\"", used > 0 ? ", " : "", config_rule_keys[i].word, pattern);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
    for (size_t i = 0; rule != NULL && i < rule->n_attribute; i++) {
        int n = snprintf(out + used, size - used, "%sattribute %s = \"%s\"", used > 0 ? ", " : "", rule->attribute[i].name, rule->attribute[i].value);
        if (n < 0 || (size_t)n >= size - used)
            return;
        used += (size_t)n;
    }
}

static const struct config_rule_key *find_key(struct span word)
{
    for (size_t i = 0; i < CONFIG_RULE_KEYS; i++)
        if (span_equals_str(word, config_rule_keys[i].word))
            return &config_rule_keys[i];
    return NULL;
}

static int unknown_key(struct span word, struct err *err)
{
    const char *words[CONFIG_RULE_KEYS];
    for (size_t i = 0; i < CONFIG_RULE_KEYS; i++)
        words[i] = config_rule_keys[i].word;
    char *copy = span_dup(word);
    if (copy == NULL)
        return err_set(err, ERR_MEMORY, "allow rule: out of memory");
    const char *near = text_suggest(copy, words, CONFIG_RULE_KEYS);
    int rc = err_set(err, ERR_USAGE, "allow rule: unknown key \"%s\"%s%s%s; keys are cn ou o c st l subject dns uri email ip policy issuer serial fingerprint spki",
                     copy, near != NULL ? " (did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?)" : "");
    free(copy);
    return rc;
}

static bool is_hex_of(const char *text, size_t digits)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        if (*text == ':')
            continue;
        if (strchr("0123456789abcdefABCDEF", *text) == NULL)
            return false;
        n++;
    }
    return digits == 0 ? n > 0 : n == digits;
}

static int check_ip(const char *value, struct err *err)
{
    struct ip_range range;
    struct err why = {0};
    return ip_range_parse(value, &range, &why) == 0 ? 0 : err_set(err, ERR_USAGE, "allow rule: ip %s", why.text);
}

/* A rule that can never match is an error now, rather than a refused caller later. */
static int check_value(const struct config_rule_key *key, const char *value, struct err *err)
{
    bool hash = strcmp(key->word, "fingerprint") == 0 || strcmp(key->word, "spki") == 0;
    if (value[0] == '\0')
        return err_set(err, ERR_USAGE, "allow rule: %s has no value", key->word);
    if (strlen(value) > CONFIG_RULE_PATTERN_MAX)
        return err_set(err, ERR_USAGE, "allow rule: the value of %s is longer than %d bytes", key->word, CONFIG_RULE_PATTERN_MAX);
    if (hash && !is_hex_of(value, 64))
        return err_set(err, ERR_USAGE, "allow rule: %s \"%s\" is not a SHA-256 of 64 hexadecimal digits", key->word, value);
    if (strcmp(key->word, "serial") == 0 && !is_hex_of(value, 0))
        return err_set(err, ERR_USAGE, "allow rule: serial \"%s\" is not hexadecimal", value);
    if (strcmp(key->word, "ip") == 0)
        return check_ip(value, err);
    struct err why = {0};
    return config_rule_check(key->word, value, &why) == 0 ? 0 : err_set(err, ERR_USAGE, "allow rule: %s %s", key->word, why.text);
}

/* Takes "key=value" off the front of *rest; "\," and "\\" stand for themselves in a value. NULL when out of memory. */
static char *next_item(struct span *rest)
{
    char *item = malloc(rest->len + 1);
    if (item == NULL)
        return NULL;
    size_t n = 0, i = 0;
    for (; i < rest->len && rest->ptr[i] != ','; i++) {
        if (rest->ptr[i] == '\\' && i + 1 < rest->len)
            i++;
        item[n++] = (char)rest->ptr[i];
    }
    item[n] = '\0';
    *rest = span_skip(*rest, i < rest->len ? i + 1 : i);
    return item;
}

static int parse_item(const char *item, struct config_allow *rule, struct err *err)
{
    const char *equals = strchr(item, '=');
    if (equals == NULL)
        return err_set(err, ERR_USAGE, "allow rule: \"%s\" is not key=value, as in cn=web-1 or ou=ops,dns=*.example.com", item);
    struct span word = span_trim(span_of(item, (size_t)(equals - item)));
    const struct config_rule_key *key = find_key(word);
    if (key == NULL)
        return unknown_key(word, err);
    if (*value_of(rule, key) != NULL)
        return err_set(err, ERR_USAGE, "allow rule: %s is given twice; repeat the rule to allow either", key->word);
    if (check_value(key, equals + 1, err) != 0)
        return -1;
    *value_of(rule, key) = strdup(equals + 1);
    return *value_of(rule, key) != NULL ? 0 : err_set(err, ERR_MEMORY, "allow rule: out of memory");
}

int allow_rule_parse(const char *text, struct config_allow *out, struct err *err)
{
    *out = (struct config_allow){0};
    struct span rest = span_from_str(text);
    if (span_trim(rest).len == 0)
        return err_set(err, ERR_USAGE, "allow rule: empty; write for example cn=web-1 or ou=ops,dns=*.example.com");
    while (rest.len > 0) {
        char *item = next_item(&rest);
        int rc = item != NULL ? parse_item(item, out, err) : err_set(err, ERR_MEMORY, "allow rule: out of memory");
        free(item);
        if (rc != 0) {
            allow_rule_clear(out);
            return -1;
        }
    }
    return 0;
}

void allow_rule_clear(struct config_allow *rule)
{
    for (size_t i = 0; i < CONFIG_RULE_KEYS; i++)
        free(*value_of(rule, &config_rule_keys[i]));
    free(rule->where);
    *rule = (struct config_allow){0};
}
