/* SPDX-License-Identifier: Apache-2.0 */
#include "import_apache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Directives of a host that are read elsewhere or need nothing here. */
static bool is_known(const char *word)
{
    return import_is(word, "virtualhost servername serveralias serveradmin listen loadmodule serverroot documentroot customlog errorlog loglevel logformat transferlog pidfile user "
                           "group timeout keepalive keepalivetimeout maxkeepaliverequests sslengine sslprotocol sslciphersuite sslhonorcipherorder sslcompression "
                           "sslsessiontickets sslsessioncache sslcertificatefile sslcertificatekeyfile sslcertificatechainfile sslcacertificatefile sslcacertificatepath "
                           "sslcarevocationfile sslcarevocationpath sslcarevocationcheck sslocspenable sslocspdefaultresponder sslocspoverrideresponder sslverifyclient sslverifydepth ssloptions sslproxyengine "
                           "sslproxymachinecertificatefile sslproxymachinecertificatechainfile sslproxycacertificatefile sslproxycacertificatepath sslproxyverify "
                           "sslproxycheckpeername sslproxycheckpeercn sslproxycheckpeerexpire sslproxycarevocationfile sslproxycarevocationcheck sslproxyverifydepth "
                           "sslproxyprotocol sslproxyciphersuite") ||
           import_is(word, "proxypass proxypassreverse proxypreservehost proxyrequests proxytimeout proxyvia proxy requestheader redirect rewriterule rewritecond rewriteengine "
                           "proxypassmatch redirectmatch location locationmatch if elseif else sslrequire directory files filesmatch browsermatch setenvif servertokens "
                           "serversignature traceenable startservers serverlimit threadsperchild maxrequestworkers defaultruntimedir mutex usecanonicalname directoryindex");
}

static void check_directives(struct apache_host *h, struct import_node *to)
{
    for (const struct import_block *d = h->host->first; d != NULL; d = d->next)
        if (import_is(d->w[0], "include includeoptional"))
            import_left(h->m, to, d->line, "included files are not read: import \"%.200s\" too", d->n > 1 ? d->w[1] : "");
        else if (!is_known(d->w[0]))
            import_left(h->m, to, d->line, "\"%.60s\" has no counterpart", d->w[0]);
        else if (import_is(d->w[0], "directory files filesmatch"))
            import_remark(h->m, to, d->line, "not needed: it is about files, and mtlsd serves none");
}

/* Apache refuses clients without an answer that counts, too. */
static void read_ocsp(struct apache_host *h, struct import_node *tls, struct import_trust_files *files)
{
    const struct import_block *ocsp = import_block_find(h->host, "sslocspenable");
    const char *responder = import_block_value(h->host, "sslocspdefaultresponder"), *overrides = import_block_value(h->host, "sslocspoverrideresponder");
    if (ocsp == NULL || strcasecmp(ocsp->w[1], "off") == 0)
        return;
    files->ocsp = "hard";
    files->ocsp_line = ocsp->line;
    if (overrides != NULL && strcasecmp(overrides, "on") == 0)
        files->ocsp_responder = responder;
    else if (responder != NULL)
        import_left(h->m, tls, ocsp->line, "SSLOCSPDefaultResponder: each certificate has to name its responder, unless you set ocsp_responder");
    if (strcasecmp(ocsp->w[1], "on") == 0)
        import_remark(h->m, tls, ocsp->line, "only the client's own certificate is asked about, where Apache asks about its CAs too");
}

static const char *trust_of(struct apache_host *h, struct import_node *tls)
{
    const struct import_block *file = import_block_find(h->host, "sslcacertificatefile"), *folder = import_block_find(h->host, "sslcacertificatepath");
    const struct import_block *ca = file != NULL ? file : folder, *crl = import_block_find(h->host, "sslcarevocationfile"), *depth = import_block_find(h->host, "sslverifydepth");
    const char *check = import_block_value(h->host, "sslcarevocationcheck");
    char certificates[8] = "";
    unsigned long n = depth != NULL ? strtoul(depth->w[1], NULL, 10) : 15;
    if (n <= 14)
        snprintf(certificates, sizeof(certificates), "%lu", n + 2);
    if (ca == NULL)
        import_left(h->m, tls, h->host->line, "SSLVerifyClient without SSLCACertificateFile: the trust is the system's CAs until you name one");
    if (crl != NULL && (check == NULL || strcasecmp(check, "none") == 0))
        import_remark(h->m, tls, crl->line, "Apache reads this list but, without SSLCARevocationCheck, does not use it; mtlsd does");
    struct import_trust_files files = {.ca = ca != NULL ? ca->w[1] : NULL, .crl = crl != NULL ? crl->w[1] : NULL, .line = ca != NULL ? ca->line : 0,
                                       .depth = certificates[0] != '\0' && ca != NULL ? certificates : NULL, .crl_line = crl != NULL ? crl->line : 0};
    read_ocsp(h, tls, &files);
    return import_trust(h->m, &files);
}

static void write_clients(struct apache_host *h, struct import_node *tls)
{
    const struct import_block *verify = import_block_find(h->host, "sslverifyclient");
    const char *word = verify != NULL ? verify->w[1] : "none";
    size_t line = verify != NULL ? verify->line : h->host->line;
    bool is_required = strcasecmp(word, "require") == 0, is_optional = strcasecmp(word, "optional") == 0 || strcasecmp(word, "optional_no_ca") == 0;
    if (!is_required && !is_optional && !apache_asks_below(h->host))
        return;
    if (strcasecmp(word, "optional_no_ca") == 0)
        import_left(h->m, tls, line, "optional_no_ca: only certificates of the trust are accepted");
    import_string(h->m, tls, "trust", trust_of(h, tls), line);
    import_string(h->m, tls, "client_cert", is_required ? "required" : "optional", line);
    h->asks = true;
    h->is_optional = !is_required;
}

static const char *identity_of(struct apache_host *h)
{
    const struct import_block *cert = import_block_find(h->host, "sslcertificatefile"), *key = import_block_find(h->host, "sslcertificatekeyfile");
    const struct import_block *chain = import_block_find(h->host, "sslcertificatechainfile");
    return cert != NULL ? import_identity(h->m, cert->w[1], key != NULL ? key->w[1] : NULL, key != NULL && chain != NULL ? chain->w[1] : NULL, cert->line) : NULL;
}

static void write_versions(struct apache_host *h, struct import_node *tls)
{
    const struct import_block *d = import_block_find(h->host, "sslprotocol");
    bool has_12 = false, has_13 = false;
    for (size_t i = 1; d != NULL && i < d->n; i++) {
        bool is_all = import_is(d->w[i], "all +all ALL");
        has_12 = (has_12 || is_all || import_is(d->w[i], "TLSv1.2 +TLSv1.2")) && strcmp(d->w[i], "-TLSv1.2") != 0;
        has_13 = (has_13 || is_all || import_is(d->w[i], "TLSv1.3 +TLSv1.3")) && strcmp(d->w[i], "-TLSv1.3") != 0;
    }
    if (has_12 != has_13)
        import_string(h->m, tls, has_13 ? "min_version" : "max_version", has_13 ? "1.3" : "1.2", d->line);
    else if (d != NULL && !has_12)
        import_left(h->m, tls, d->line, "SSLProtocol without TLS 1.2 or 1.3: these are the versions that mtlsd speaks");
}

static void write_tls(struct apache_host *h)
{
    struct import_node *tls = import_at(import_group(h->m, h->listener, "tls"), import_block_find(h->host, "sslengine")->line);
    const char *identity = identity_of(h);
    if (identity != NULL)
        import_string(h->m, tls, "identity", identity, 0);
    else
        import_left(h->m, tls, h->host->line, "no SSLCertificateFile: give the listener an identity");
    write_clients(h, tls);
    write_versions(h, tls);
}

/* A host beside the first one of its address. */
static void write_other(struct apache_host *h)
{
    const struct import_block *name = import_block_own(h->host, "servername");
    if (name == NULL || name->n < 2) {
        import_left(h->m, h->routes, h->host->line, "this host: another one has its address, and it has no ServerName");
        return;
    }
    h->names = name;
    const char *identity = h->tls ? identity_of(h) : NULL;
    if (identity != NULL) {
        struct import_node *tls = import_group(h->m, h->listener, "tls"), *rows = import_find(tls, "identities");
        rows = rows != NULL ? rows : import_add(h->m, tls, IMPORT_ROWS, "identities", NULL);
        struct import_node *one = import_add(h->m, rows, IMPORT_GROUP, NULL, NULL);
        char text[256];
        snprintf(text, sizeof(text), "%.*s", (int)(strcspn(name->w[1], ":") < 255 ? strcspn(name->w[1], ":") : 255), name->w[1]);
        import_add(h->m, import_at(import_add(h->m, one, IMPORT_LIST, "hosts", NULL), name->line), IMPORT_STRING, NULL, text);
        import_string(h->m, one, "identity", identity, name->line);
        bool asked_before = h->asks;
        h->asks = false;
        write_clients(h, one);
        if (!h->asks && asked_before)
            import_string(h->m, one, "client_cert", "none", name->line);
    }
    check_directives(h, h->routes);
    apache_routes(h);
    h->names = NULL;
}

/* ---- the file ---- */

static bool address_of(const struct import_block *host, const char *text, char address[300])
{
    bool is_tls = apache_is_on(host, "sslengine");
    if (strncasecmp(text, "_default_", 9) == 0)
        text += 9;
    return import_address(address, 300, text, "", is_tls ? "443" : "80");
}

static bool has_address(const struct import_block *host, const char *address)
{
    char own[300];
    for (size_t i = 1; strcmp(host->w[0], "virtualhost") == 0 && i < host->n; i++)
        if (address_of(host, host->w[i], own) && strcmp(own, address) == 0)
            return true;
    return false;
}

static void write_listener(struct import_model *m, const struct import_block *top, const struct import_block *host, const char *address, size_t line)
{
    const struct import_block *name = import_block_own(host, "servername"), *admin = import_block_find(host, "serveradmin");
    struct apache_host h = {.m = m, .top = top, .host = host, .tls = apache_is_on(host, "sslengine")};
    h.listener = import_named(m, m->listeners, name != NULL && name->n > 1 ? name->w[1] : "host");
    import_bind(m, h.listener, address, h.tls, line);
    if (admin != NULL && strpbrk(admin->w[1], "\"\\<>") == NULL)
        import_string(m, h.listener, "contact", admin->w[1], admin->line);
    if (h.tls)
        write_tls(&h);
    else
        import_remark(m, h.listener, line, "requests for other host names than loopback names are refused on a plaintext listener: name them in hosts");
    if (host != top)
        check_directives(&h, h.listener);
    h.routes = import_add(m, h.listener, IMPORT_ROWS, "routes", NULL);
    bool asks = h.asks, is_optional = h.is_optional;
    for (const struct import_block *d = host != top ? host->next : NULL; d != NULL; d = d->next)
        if (has_address(d, address)) {
            h.host = d;
            h.asks = asks;
            write_other(&h);
        }
    h.host = host;
    h.asks = asks;
    h.is_optional = is_optional;
    apache_routes(&h);
    import_prune(m, h.routes);
    if (!import_has_group(h.routes)) {
        import_left(m, h.routes, line, "this host forwards nothing, and mtlsd serves no files: it answers 404");
        import_plain(m, import_add(m, h.routes, IMPORT_GROUP, NULL, NULL), "respond", "404", line);
    }
}

static bool is_first(const struct import_block *top, const struct import_block *host, const char *address)
{
    for (const struct import_block *d = top->first; d != host; d = d->next)
        if (has_address(d, address))
            return false;
    return true;
}

static void read_hosts(struct import_model *m, const struct import_block *top)
{
    char address[300];
    bool has_hosts = false;
    for (const struct import_block *d = top->first; d != NULL; d = d->next) {
        if (strcmp(d->w[0], "virtualhost") != 0)
            continue;
        has_hosts = true;
        for (size_t i = 1; i < d->n; i++)
            if (!address_of(d, d->w[i], address))
                import_left(m, m->listeners, d->line, "VirtualHost %.100s: write it as ADDRESS:PORT", d->w[i]);
            else if (is_first(top, d, address))
                write_listener(m, top, d, address, d->line);
    }
    for (const struct import_block *d = top->first; d != NULL && !has_hosts; d = d->next)
        if (strcmp(d->w[0], "listen") == 0 && d->n > 1 && address_of(top, d->w[1], address))
            write_listener(m, top, top, address, d->line);
}

void import_apache(struct import_model *m)
{
    struct import_block *top = apache_parse(m);
    if (top == NULL) {
        m->failed = true;
        return;
    }
    struct apache_host all = {.m = m, .top = top, .host = top};
    check_directives(&all, &m->top);
    read_hosts(m, top);
    import_block_free(top);
}
