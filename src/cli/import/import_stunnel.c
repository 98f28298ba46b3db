/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { OPTIONS_MAX = 64 };

struct option {
    char *key, *value; /* in text */
    char *text;        /* owned */
    size_t line;
};

/* Options of a service, those before the first [service] first: they are its defaults. */
struct service {
    struct option items[OPTIONS_MAX];
    size_t n, globals;
    char name[64];
    size_t line;
};

struct stunnel {
    struct import_model *m;
    struct service *service;
    struct import_node *listener, *upstream;
    bool is_client;
};

static const struct option *last(const struct service *s, const char *key)
{
    for (size_t i = s->n; i > 0; i--)
        if (strcasecmp(s->items[i - 1].key, key) == 0)
            return &s->items[i - 1];
    return NULL;
}

static bool is_yes(const struct service *s, const char *key)
{
    const struct option *o = last(s, key);
    return o != NULL && strcasecmp(o->value, "yes") == 0;
}

static char *trim(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        text[--n] = '\0';
    return text + strspn(text, " \t");
}

static bool is_needless(const char *key)
{
    return import_is(key, "pid foreground debug output syslog setuid setgid chroot socket options fips compression engine RNDfile RNDbytes RNDoverwrite "
                          "TIMEOUTclose session sessionCacheSize sessionCacheTimeout renegotiation delay reset retry log service");
}

/* ---- peers ---- */

static const char *verify_level(const struct service *s) /* of the old option */
{
    const struct option *o = last(s, "verify");
    return o != NULL ? o->value : "";
}

static bool is_verified(const struct service *s)
{
    return is_yes(s, "verifyChain") || is_yes(s, "verifyPeer") || import_is(verify_level(s), "1 2 3 4");
}

static const char *trust_of(struct stunnel *st)
{
    const struct option *file = last(st->service, "CAfile"), *folder = last(st->service, "CApath"), *crl = last(st->service, "CRLfile");
    const struct option *ca = file != NULL ? file : folder;
    return import_trust(st->m, &(struct import_trust_files){.ca = ca != NULL ? ca->value : NULL, .crl = crl != NULL ? crl->value : NULL,
                                                            .line = ca != NULL ? ca->line : 0, .crl_line = crl != NULL ? crl->line : 0});
}

static void note_pinned(struct stunnel *st, struct import_node *tls)
{
    const struct option *o = is_yes(st->service, "verifyPeer") ? last(st->service, "verifyPeer") : import_is(verify_level(st->service), "3 4") ? last(st->service, "verify") : NULL;
    if (o != NULL)
        import_left(st->m, tls, o->line, "stunnel accepts only the certificates in CAfile themselves; here it names CAs: use allow with fingerprint, or pins in the trust");
}

static const char *identity_of(struct stunnel *st)
{
    const struct option *cert = last(st->service, "cert"), *key = last(st->service, "key");
    return cert != NULL ? import_identity(st->m, cert->value, key != NULL ? key->value : NULL, NULL, cert->line) : NULL;
}

static void write_versions(struct stunnel *st, struct import_node *tls)
{
    const struct option *min = last(st->service, "sslVersionMin"), *max = last(st->service, "sslVersionMax"), *only = last(st->service, "sslVersion");
    if (only != NULL && strcasecmp(only->value, "all") != 0)
        min = max = only;
    if (min != NULL && import_is(min->value, "TLSv1.2 TLSv1.3"))
        import_string(st->m, tls, "min_version", min->value + 4, min->line);
    if (max != NULL && import_is(max->value, "TLSv1.2 TLSv1.3"))
        import_string(st->m, tls, "max_version", max->value + 4, max->line);
    if (max != NULL && !import_is(max->value, "TLSv1.2 TLSv1.3 all"))
        import_left(st->m, tls, max->line, "TLS 1.2 is the lowest version");
}

static void write_starttls(struct stunnel *st, struct import_node *tls)
{
    static const struct import_variable words[] = {{"pgsql", "postgres"}, {"smtp", "smtp"}, {"imap", "imap"}, {"ldap", "ldap"}};
    const struct option *o = last(st->service, "protocol");
    if (o == NULL)
        return;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(words[i].theirs, o->value) == 0) {
            import_string(st->m, tls, "starttls", words[i].ours, o->line);
            return;
        }
    const struct option *host = last(st->service, "protocolHost"), *connect = last(st->service, "connect");
    char address[300];
    if (strcasecmp(o->value, "proxy") == 0) {
        if (st->is_client)
            import_plain(st->m, st->listener, "accept_proxy_protocol", "true", o->line);
        else
            import_string(st->m, st->upstream, "send_proxy_protocol", "v1", o->line);
    } else if (strcasecmp(o->value, "connect") == 0 && host != NULL && connect != NULL && import_address(address, sizeof(address), host->value, "127.0.0.1", "443")) {
        char proxy[320];
        struct import_node *targets = import_find(st->upstream, "targets");
        snprintf(proxy, sizeof(proxy), "http://%.300s", connect->value);
        import_string(st->m, st->upstream, "proxy", proxy, o->line);
        import_remove(st->m, targets);
        targets = import_add(st->m, st->upstream, IMPORT_ROWS, "targets", NULL);
        import_string(st->m, import_add(st->m, targets, IMPORT_GROUP, NULL, NULL), "address", address, host->line);
    } else {
        import_left(st->m, tls, o->line, "protocol = %.40s has no counterpart", o->value);
    }
}

/* ---- both ends ---- */

/* The server whose certificate is verified: upstream. */
static void write_client(struct stunnel *st)
{
    struct import_node *tls = import_at(import_group(st->m, st->upstream, "tls"), st->service->line);
    const char *identity = identity_of(st);
    const struct option *name = last(st->service, "checkHost"), *sni = last(st->service, "sni"), *ip = last(st->service, "checkIP");
    if (identity != NULL)
        import_string(st->m, tls, "identity", identity, last(st->service, "cert")->line);
    import_string(st->m, tls, "trust", trust_of(st), 0);
    if (!is_verified(st->service))
        import_left(st->m, tls, st->service->line, "stunnel verifies no server here; mtlsd always does, with this trust");
    note_pinned(st, tls);
    size_t names = 0;
    for (size_t i = 0; i < st->service->n; i++)
        names += strcasecmp(st->service->items[i].key, "checkHost") == 0;
    struct import_node *expect = names > 1 ? import_at(import_add(st->m, tls, IMPORT_LIST, "expect", NULL), name->line) : NULL;
    for (size_t i = 0; i < st->service->n && names > 1; i++)
        if (strcasecmp(st->service->items[i].key, "checkHost") == 0)
            import_add(st->m, expect, IMPORT_STRING, NULL, st->service->items[i].value);
    const struct option *shown = name != NULL ? name : ip != NULL ? ip : sni;
    if (names <= 1 && shown != NULL)
        import_string(st->m, tls, "server_name", shown->value, shown->line);
    if (name == NULL && ip == NULL)
        import_remark(st->m, tls, st->service->line, "stunnel checks no name here; mtlsd expects server_name, or the target's host, in the certificate");
    write_versions(st, tls);
    write_starttls(st, tls);
}

static void write_server(struct stunnel *st)
{
    struct import_node *tls = import_at(import_group(st->m, st->listener, "tls"), st->service->line);
    const char *identity = identity_of(st);
    if (identity != NULL)
        import_string(st->m, tls, "identity", identity, last(st->service, "cert")->line);
    else
        import_left(st->m, tls, st->service->line, "this service has no cert: give the listener an identity");
    if (is_verified(st->service)) {
        if (last(st->service, "CAfile") == NULL && last(st->service, "CApath") == NULL)
            import_left(st->m, tls, st->service->line, "clients are verified without CAfile: the trust is the system's CAs until you name one");
        import_string(st->m, tls, "trust", trust_of(st), 0);
        bool is_optional = strcmp(verify_level(st->service), "1") == 0 && !is_yes(st->service, "verifyChain") && !is_yes(st->service, "verifyPeer");
        import_string(st->m, tls, "client_cert", is_optional ? "optional" : "required", 0);
        note_pinned(st, tls);
    } else if (last(st->service, "CAfile") != NULL) {
        import_remark(st->m, tls, last(st->service, "CAfile")->line, "stunnel does not verify clients here, as verifyChain is not set: neither does this listener");
    }
    const struct option *host = last(st->service, "checkHost"), *mail = last(st->service, "checkEmail");
    if (is_verified(st->service) && (host != NULL || mail != NULL)) {
        struct import_node *rows = import_add(st->m, st->listener, IMPORT_ROWS, "allow", NULL);
        for (size_t i = 0; i < st->service->n; i++) {
            const struct option *o = &st->service->items[i];
            bool is_host = strcasecmp(o->key, "checkHost") == 0;
            if (is_host || strcasecmp(o->key, "checkEmail") == 0)
                import_string(st->m, import_add(st->m, rows, IMPORT_GROUP, NULL, NULL), is_host ? "dns" : "email", o->value, o->line);
        }
    }
    write_versions(st, tls);
    write_starttls(st, tls);
}

static void write_targets(struct stunnel *st)
{
    char address[300];
    struct import_node *targets = import_add(st->m, st->upstream, IMPORT_ROWS, "targets", NULL);
    const struct option *failover = last(st->service, "failover");
    bool is_prio = failover != NULL && strcasecmp(failover->value, "prio") == 0;
    for (size_t i = 0; i < st->service->n; i++) {
        const struct option *o = &st->service->items[i];
        if (strcasecmp(o->key, "connect") != 0)
            continue;
        if (!import_address(address, sizeof(address), o->value, "127.0.0.1", NULL)) {
            import_left(st->m, targets, o->line, "connect: its address is not HOST:PORT");
            continue;
        }
        struct import_node *target = import_add(st->m, targets, IMPORT_GROUP, NULL, NULL);
        import_string(st->m, target, "address", address, o->line);
        if (is_prio && target != targets->first)
            import_plain(st->m, target, "backup", "true", failover->line);
    }
}

static void write_timeouts(struct stunnel *st)
{
    char text[32];
    const struct option *idle = last(st->service, "TIMEOUTidle"), *connect = last(st->service, "TIMEOUTconnect"), *busy = last(st->service, "TIMEOUTbusy");
    if (idle != NULL && import_duration(text, idle->value, "s", 10, 604800000)) {
        import_string(st->m, import_group(st->m, st->listener, "timeouts"), "idle", text, idle->line);
        import_string(st->m, import_group(st->m, st->upstream, "timeouts"), "idle", text, idle->line);
    }
    if (connect != NULL && import_duration(text, connect->value, "s", 10, 600000))
        import_string(st->m, import_group(st->m, st->upstream, "timeouts"), "connect", text, connect->line);
    if (busy != NULL && import_duration(text, busy->value, "s", 10, 600000))
        import_string(st->m, import_group(st->m, st->listener, "timeouts"), "handshake", text, busy->line);
}

static void check_options(struct stunnel *st)
{
    for (size_t i = st->service->globals; i < st->service->n; i++) {
        const struct option *o = &st->service->items[i];
        if (!is_needless(o->key) && !import_is(o->key, "client accept connect cert key CAfile CApath CRLfile verify verifyChain verifyPeer requireCert checkHost checkEmail "
                                                       "checkIP sni sslVersion sslVersionMin sslVersionMax protocol protocolHost failover TIMEOUTidle TIMEOUTconnect TIMEOUTbusy"))
            import_left(st->m, st->listener, o->line, "\"%.60s\" has no counterpart", o->key);
    }
}

static void write_service(struct import_model *m, struct service *s)
{
    char address[300];
    const struct option *accept = last(s, "accept");
    if (accept == NULL || last(s, "connect") == NULL || !import_address(address, sizeof(address), accept->value, "", NULL)) {
        import_left(m, m->listeners, s->line, "service [%.60s]: it needs accept and connect with a HOST:PORT", s->name);
        return;
    }
    struct stunnel st = {.m = m, .service = s, .is_client = is_yes(s, "client")};
    st.upstream = import_named(m, m->upstreams, s->name);
    st.listener = import_named(m, m->listeners, s->name);
    import_bind(m, st.listener, address, !st.is_client, accept->line);
    import_string(m, st.listener, "protocol", "tcp", 0);
    import_string(m, st.listener, "upstream", st.upstream->key != NULL ? st.upstream->key : "", s->line);
    write_targets(&st);
    if (!import_has_group(import_group(m, st.upstream, "targets"))) {
        import_keep_remarks(m, st.upstream, m->upstreams);
        import_remove(m, st.upstream);
        import_remove(m, st.listener);
        return;
    }
    if (st.is_client)
        write_client(&st);
    else
        write_server(&st);
    write_timeouts(&st);
    check_options(&st);
}

/* ---- the file ---- */

static void drop(struct service *s, size_t from)
{
    while (s->n > from)
        free(s->items[--s->n].text);
}

static void read_option(struct import_model *m, struct service *s, size_t line, char *text)
{
    char *equals = strchr(text, '=');
    if (equals == NULL || s->n == OPTIONS_MAX) {
        import_left(m, &m->top, line, equals == NULL ? "this is not KEY = VALUE" : "there are more than 64 options");
        free(text);
        return;
    }
    *equals = '\0';
    s->items[s->n++] = (struct option){.key = trim(text), .value = trim(equals + 1), .text = text, .line = line};
    const struct option *o = &s->items[s->n - 1];
    if (strcasecmp(o->key, "include") == 0)
        import_left(m, &m->top, line, "included files are not read: import those in \"%.200s\" too", o->value);
}

static void end_service(struct import_model *m, struct service *s)
{
    if (s->line > 0) {
        write_service(m, s);
    } else { /* what stood before is for all services */
        s->globals = s->n;
        if (last(s, "accept") != NULL) {
            snprintf(s->name, sizeof(s->name), "stunnel");
            s->line = last(s, "accept")->line;
            write_service(m, s);
        }
    }
    drop(s, s->globals);
}

void import_stunnel(struct import_model *m)
{
    struct service s = {0};
    for (size_t i = 1; i <= m->n_lines; i++) {
        char *text = import_line(m, i), *from = text != NULL ? trim(text) : NULL;
        if (from == NULL || from[0] == '\0' || from[0] == '#' || from[0] == ';') {
            free(text);
            continue;
        }
        char *close = from[0] == '[' ? strchr(from, ']') : NULL;
        if (close == NULL) {
            read_option(m, &s, i, text);
            continue;
        }
        end_service(m, &s);
        snprintf(s.name, sizeof(s.name), "%.*s", (int)(close - from - 1 < 63 ? close - from - 1 : 63), from + 1);
        s.line = i;
        free(text);
    }
    end_service(m, &s);
    drop(&s, 0);
}
