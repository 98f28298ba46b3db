/* SPDX-License-Identifier: Apache-2.0 */
#include "quick_config.h"
#include "mtlsd/base/address.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/allow_rule.h"
#include "page.h"

#include <stdio.h>
#include <string.h>

/* A string as libconfig reads it. Nothing in it can end it. */
static void quoted(struct page *p, const char *text)
{
    page_say(p, "\"");
    for (const char *c = text; *c != '\0'; c++) {
        unsigned char byte = (unsigned char)*c;
        page_printf(p, byte == '"' || byte == '\\' ? "\\%c" : byte < 0x20 ? "\\x%02x" : "%c", byte);
    }
    page_say(p, "\"");
}

/* before, then key = "value"; and after; or nothing when there is no value. */
static void group(struct page *p, const char *before, const char *key, const char *value, const char *after)
{
    if (value == NULL)
        return;
    page_printf(p, "%s %s = ", before, key);
    quoted(p, value);
    page_printf(p, ";%s", after);
}

static void setting(struct page *p, const char *key, const char *value)
{
    group(p, "", key, value, "");
}

static void list(struct page *p, const char *key, const struct flag_list *values)
{
    for (size_t i = 0; i < values->n; i++) {
        page_printf(p, i == 0 ? " %s = [ " : ", ", key);
        quoted(p, values->items[i]);
    }
    page_say(p, values->n > 0 ? " ];" : "");
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

/* What a client and a server have in common. */
static void write_process(const struct quick_config *q, struct page *p)
{
    group(p, "log = {", "level", q->log_level, " };\n");
    group(p, "admin = {", "socket", q->admin, " };\n");
    group(p, "identities = { own = {", "bundle", q->bundle, " }; };\n");
    if (q->ca == NULL && q->crl.n == 0)
        return;
    group(p, "trusts = { peers = {", "ca", q->ca != NULL ? q->ca : "system", "");
    list(p, "crl", &q->crl);
    page_say(p, " }; };\n");
}

static int end(struct page *p, struct err *err)
{
    return page_end(p) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

int quick_config_client(const struct quick_config *q, struct bytes *out, struct err *err)
{
    char target[300];
    struct page p = {.out = out};
    if (check_address("--listen", q->listen, err) != 0 || read_upstream(q->target, target, sizeof(target), err) != 0)
        return -1;
    write_process(q, &p);
    page_say(&p, "upstreams = { upstream = { targets = [ ");
    quoted(&p, target);
    page_say(&p, " ]; tls = { identity = \"own\";");
    setting(&p, "trust", q->ca != NULL || q->crl.n > 0 ? "peers" : "system");
    setting(&p, "server_name", q->server_name);
    page_say(&p, " }; }; };\nlisteners = { client = { upstream = \"upstream\";");
    setting(&p, "bind", q->listen);
    setting(&p, "protocol", q->tcp ? "tcp" : NULL);
    list(&p, "hosts", &q->hosts);
    page_say(&p, q->insecure_expose ? " insecure_expose = true; }; };\n" : " }; };\n");
    return end(&p, err);
}

/* Checks every rule as allow understands it, and writes it as the configuration does. */
static int write_allow(const struct quick_config *q, struct page *p, struct err *err)
{
    for (size_t i = 0; i < q->allow.n; i++) {
        struct config_allow rule = {0};
        struct err why = {0};
        if (allow_rule_parse(q->allow.items[i], &rule, &why) != 0)
            return err_set(err, ERR_USAGE, "--allow \"%s\": %s", q->allow.items[i], why.text);
        page_say(p, i == 0 ? " allow = ( {" : ", {");
        const struct {
            const char *key, *value;
        } fields[] = {{"cn", rule.cn},       {"ou", rule.ou},         {"o", rule.o},           {"dns", rule.dns},
                      {"uri", rule.uri},     {"email", rule.email}, {"ip", rule.ip},   {"issuer", rule.issuer}, {"serial", rule.serial},
                      {"fingerprint", rule.fingerprint}, {"spki", rule.spki}};
        for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
            setting(p, fields[k].key, fields[k].value);
        page_say(p, " }");
        allow_rule_clear(&rule);
    }
    page_say(p, q->allow.n > 0 ? " );" : "");
    return 0;
}

int quick_config_server(const struct quick_config *q, struct bytes *out, struct err *err)
{
    struct page p = {.out = out};
    if (check_address("--listen", q->listen, err) != 0 || check_address("--backend", q->target, err) != 0)
        return -1;
    write_process(q, &p);
    page_say(&p, "upstreams = { backend = { targets = [ ");
    quoted(&p, q->target);
    page_say(&p, " ]; }; };\nlisteners = { server = { upstream = \"backend\";");
    setting(&p, "bind", q->listen);
    setting(&p, "protocol", q->tcp ? "tcp" : NULL);
    list(&p, "identity_headers", &q->identity_headers);
    page_say(&p, " tls = { identity = \"own\"; trust = \"peers\"; };");
    if (write_allow(q, &p, err) != 0)
        return -1;
    page_say(&p, " }; };\n");
    return end(&p, err);
}
