/* SPDX-License-Identifier: Apache-2.0 */
#include "quick_config.h"
#include "mtlsd/base/address.h"
#include "mtlsd/policy/allow.h"

#include <stdio.h>
#include <string.h>

static int out_of_memory(struct err *err)
{
    return err_set(err, ERR_MEMORY, "out of memory");
}

/* A string as libconfig reads it. Nothing in it can end it. */
static int quoted(struct bytes *out, const char *text)
{
    if (bytes_append_str(out, "\"") != 0)
        return -1;
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        int rc = byte == '"' || byte == '\\' ? bytes_printf(out, "\\%c", *c)
                 : byte < 0x20               ? bytes_printf(out, "\\x%02x", byte)
                                             : bytes_append(out, c, 1);
        if (rc != 0)
            return -1;
    }
    return bytes_append_str(out, "\"");
}

/* key = "value"; or nothing when there is no value. */
static int setting(struct bytes *out, const char *key, const char *value)
{
    if (value == NULL)
        return 0;
    if (bytes_printf(out, " %s = ", key) != 0 || quoted(out, value) != 0)
        return -1;
    return bytes_append_str(out, ";");
}

static int list(struct bytes *out, const char *key, const struct flag_list *values)
{
    if (values->n == 0)
        return 0;
    if (bytes_printf(out, " %s = [", key) != 0)
        return -1;
    for (size_t i = 0; i < values->n; i++)
        if (bytes_append_str(out, i > 0 ? ", " : " ") != 0 || quoted(out, values->items[i]) != 0)
            return -1;
    return bytes_append_str(out, " ];");
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

static int write_process(const struct quick_config *q, struct bytes *out)
{
    if (q->log_level != NULL &&
        (bytes_append_str(out, "log = {") != 0 || setting(out, "level", q->log_level) != 0 || bytes_append_str(out, " };\n") != 0))
        return -1;
    if (q->admin == NULL)
        return 0;
    return bytes_append_str(out, "admin = {") != 0 || setting(out, "socket", q->admin) != 0 || bytes_append_str(out, " };\n") != 0 ? -1 : 0;
}

static int write_identity(const struct quick_config *q, struct bytes *out)
{
    if (bytes_append_str(out, "identities = { own = {") != 0 || setting(out, "bundle", q->bundle) != 0)
        return -1;
    return bytes_append_str(out, " }; };\n");
}

static int write_trust(const struct quick_config *q, struct bytes *out)
{
    if (q->ca == NULL && q->crl.n == 0)
        return 0;
    if (bytes_append_str(out, "trusts = { peers = {") != 0 || setting(out, "ca", q->ca != NULL ? q->ca : "system") != 0 ||
        list(out, "crl", &q->crl) != 0)
        return -1;
    return bytes_append_str(out, " }; };\n");
}

int quick_config_client(const struct quick_config *q, struct bytes *out, struct err *err)
{
    char target[300];
    if (check_address("--listen", q->listen, err) != 0 || read_upstream(q->target, target, sizeof(target), err) != 0)
        return -1;
    bool own_trust = q->ca != NULL || q->crl.n > 0;
    if (write_process(q, out) != 0 || write_identity(q, out) != 0 || write_trust(q, out) != 0 ||
        bytes_append_str(out, "upstreams = { upstream = { targets = [ ") != 0 || quoted(out, target) != 0 ||
        bytes_append_str(out, " ]; tls = { identity = \"own\";") != 0 || setting(out, "trust", own_trust ? "peers" : "system") != 0 ||
        setting(out, "server_name", q->server_name) != 0 ||
        bytes_append_str(out, " }; }; };\nlisteners = { client = { upstream = \"upstream\";") != 0 || setting(out, "bind", q->listen) != 0 ||
        setting(out, "protocol", q->tcp ? "tcp" : NULL) != 0 || list(out, "hosts", &q->hosts) != 0 ||
        bytes_append_str(out, q->insecure_expose ? " insecure_expose = true; }; };\n" : " }; };\n") != 0)
        return out_of_memory(err);
    return 0;
}

/* Checks every rule as allow understands it, and writes it as the configuration does. */
static int write_allow(const struct quick_config *q, struct bytes *out, struct err *err)
{
    if (q->allow.n == 0)
        return 0;
    if (bytes_append_str(out, " allow = (") != 0)
        return out_of_memory(err);
    for (size_t i = 0; i < q->allow.n; i++) {
        struct config_allow rule = {0};
        struct err why = {0};
        if (allow_rule_parse(q->allow.items[i], &rule, &why) != 0)
            return err_set(err, ERR_USAGE, "--allow \"%s\": %s", q->allow.items[i], why.text);
        int rc = bytes_append_str(out, i > 0 ? ", {" : " {");
        const struct {
            const char *key, *value;
        } fields[] = {{"cn", rule.cn},       {"ou", rule.ou},         {"o", rule.o},           {"dns", rule.dns},
                      {"uri", rule.uri},     {"email", rule.email}, {"ip", rule.ip},   {"issuer", rule.issuer}, {"serial", rule.serial},
                      {"fingerprint", rule.fingerprint}, {"spki", rule.spki}};
        for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]) && rc == 0; k++)
            rc = setting(out, fields[k].key, fields[k].value);
        allow_rule_clear(&rule);
        if (rc != 0 || bytes_append_str(out, " }") != 0)
            return out_of_memory(err);
    }
    return bytes_append_str(out, " );") == 0 ? 0 : out_of_memory(err);
}

int quick_config_server(const struct quick_config *q, struct bytes *out, struct err *err)
{
    if (check_address("--listen", q->listen, err) != 0 || check_address("--backend", q->target, err) != 0)
        return -1;
    if (write_process(q, out) != 0 || write_identity(q, out) != 0 || write_trust(q, out) != 0 ||
        bytes_append_str(out, "upstreams = { backend = { targets = [ ") != 0 || quoted(out, q->target) != 0 ||
        bytes_append_str(out, " ]; }; };\nlisteners = { server = { upstream = \"backend\";") != 0 || setting(out, "bind", q->listen) != 0 ||
        setting(out, "protocol", q->tcp ? "tcp" : NULL) != 0 || list(out, "identity_headers", &q->identity_headers) != 0 ||
        bytes_append_str(out, " tls = { identity = \"own\"; trust = \"peers\"; };") != 0)
        return out_of_memory(err);
    if (write_allow(q, out, err) != 0)
        return -1;
    return bytes_append_str(out, " }; };\n") == 0 ? 0 : out_of_memory(err);
}
