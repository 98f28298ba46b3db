/* SPDX-License-Identifier: Apache-2.0 */
#include "quick.h"
#include "mtlsd/base/address.h"
#include "mtlsd/config/config_rule.h"
#include "mtlsd/policy/allow.h"

#include <stdio.h>
#include <string.h>

/* A string as libconfig reads it. Nothing in it can end it. */
static void quoted(struct bytes *out, const char *text)
{
    bytes_append_str(out, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        bytes_printf(out, byte == '"' || byte == '\\' ? "\\%c" : byte < 0x20 ? "\\x%02x" : "%c", byte);
    }
    bytes_append_str(out, "\"");
}

/* before, then key = "value"; and after; or nothing when there is no value. */
static void group(struct bytes *out, const char *before, const char *key, const char *value, const char *after)
{
    if (value == NULL)
        return;
    bytes_printf(out, "%s %s = ", before, key);
    quoted(out, value);
    bytes_printf(out, ";%s", after);
}

static void setting(struct bytes *out, const char *key, const char *value)
{
    group(out, "", key, value, "");
}

static void list(struct bytes *out, const char *key, const struct flag_list *values)
{
    for (size_t i = 0; i < values->n; i++) {
        bytes_printf(out, i == 0 ? " %s = [ " : ", ", key);
        quoted(out, values->items[i]);
    }
    bytes_append_str(out, values->n > 0 ? " ];" : "");
}

static int check_address(const char *flag, const char *text, struct err *err)
{
    struct address parsed;
    struct err why = {0};
    if (address_parse(text, &parsed, &why) == 0)
        return 0;
    return err_set(err, ERR_USAGE, "%s: %s", flag, why.text);
}

/* https://HOST[:PORT] as HOST:PORT. */
static int read_upstream(const char *url, char *target, size_t size, struct err *err)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return err_set(err, ERR_USAGE, "--upstream \"%s\": write https://HOST or https://HOST:PORT%s", url,
                       strncmp(url, "http://", 7) == 0 ? "; there is no plaintext upstream" : "");
    const char *host = url + strlen(scheme);
    size_t n = strcspn(host, "/?#");
    if (n == 0 || host[0] == ':' || host[n] == '?' || host[n] == '#' || (host[n] == '/' && host[n + 1] != '\0'))
        return err_set(err, ERR_USAGE, "--upstream \"%s\": write https://HOST or https://HOST:PORT, without a path", url);
    if (memchr(host, '@', n) != NULL)
        return err_set(err, ERR_USAGE, "--upstream: write https://HOST or https://HOST:PORT, without a user");
    const char *behind_bracket = memchr(host, ']', n);
    const char *colon = behind_bracket != NULL ? memchr(behind_bracket, ':', n - (size_t)(behind_bracket - host)) : memchr(host, ':', n);
    int written = snprintf(target, size, "%.*s%s", (int)n, host, colon != NULL ? "" : ":443");
    if (written < 0 || (size_t)written >= size)
        return err_set(err, ERR_USAGE, "--upstream: the name is too long");
    return check_address("--upstream", target, err);
}

/* The settings that a client and a server have in common. */
static void write_process(const struct quick_config *q, struct bytes *out)
{
    group(out, "log = {", "level", q->log_level, " };\n");
    group(out, "admin = {", "socket", q->admin, " };\n");
    group(out, "identities = { own = {", "bundle", q->bundle, " }; };\n");
    if (q->ca == NULL && q->crl.n == 0)
        return;
    group(out, "trusts = { peers = {", "ca", q->ca != NULL ? q->ca : "system", "");
    list(out, "crl", &q->crl);
    bytes_append_str(out, " }; };\n");
}

int quick_config_client(const struct quick_config *q, struct bytes *out, struct err *err)
{
    char target[300];
    if (check_address("--listen", q->listen, err) != 0 || read_upstream(q->target, target, sizeof(target), err) != 0)
        return -1;
    write_process(q, out);
    bytes_append_str(out, "upstreams = { upstream = { targets = [ ");
    quoted(out, target);
    bytes_append_str(out, " ]; tls = { identity = \"own\";");
    setting(out, "trust", q->ca != NULL || q->crl.n > 0 ? "peers" : "system");
    setting(out, "server_name", q->server_name);
    bytes_append_str(out, " }; }; };\nlisteners = { client = { upstream = \"upstream\";");
    setting(out, "bind", q->listen);
    setting(out, "protocol", q->tcp ? "tcp" : NULL);
    list(out, "hosts", &q->hosts);
    bytes_append_str(out, q->insecure_expose ? " insecure_expose = true; }; };\n" : " }; };\n");
    return out->failed ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}

/* Checks every rule as allow understands it, and writes it as the configuration does. */
static int write_allow(const struct quick_config *q, struct bytes *out, struct err *err)
{
    for (size_t i = 0; i < q->allow.n; i++) {
        struct config_allow rule = {0};
        struct err why = {0};
        if (allow_rule_parse(q->allow.items[i], &rule, &why) != 0)
            return err_set(err, ERR_USAGE, "--allow \"%s\": %s", q->allow.items[i], why.text);
        bytes_append_str(out, i == 0 ? " allow = ( {" : ", {");
        for (size_t k = 0; k < CONFIG_RULE_KEYS; k++)
            setting(out, config_rule_keys[k].word, config_rule_value(&rule, &config_rule_keys[k]));
        bytes_append_str(out, " }");
        allow_rule_clear(&rule);
    }
    bytes_append_str(out, q->allow.n > 0 ? " );" : "");
    return 0;
}

int quick_config_server(const struct quick_config *q, struct bytes *out, struct err *err)
{
    if (check_address("--listen", q->listen, err) != 0 || check_address("--backend", q->target, err) != 0)
        return -1;
    write_process(q, out);
    bytes_append_str(out, "upstreams = { backend = { targets = [ ");
    quoted(out, q->target);
    bytes_append_str(out, " ]; }; };\nlisteners = { server = { upstream = \"backend\";");
    setting(out, "bind", q->listen);
    setting(out, "protocol", q->tcp ? "tcp" : NULL);
    list(out, "identity_headers", &q->identity_headers);
    bytes_append_str(out, " tls = { identity = \"own\"; trust = \"peers\"; };");
    if (write_allow(q, out, err) != 0)
        return -1;
    bytes_append_str(out, " }; };\n");
    return out->failed ? err_set(err, ERR_MEMORY, "out of memory") : 0;
}
