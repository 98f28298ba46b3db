/* SPDX-License-Identifier: Apache-2.0 */
#include "import_apache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct farm {
    struct apache_host *h;
    const struct import_block *pass, *proxy; /* proxy: <Proxy balancer://...>, or NULL */
    struct import_node *node, *targets;
    bool has_tls, has_plain;
};

/* The host of a URL; *tls: https. false: another scheme, or a text that is too long. */
static bool url_host(const char *url, char host[256], bool *tls)
{
    *tls = strncasecmp(url, "https://", 8) == 0;
    if (!*tls && strncasecmp(url, "http://", 7) != 0)
        return false;
    const char *from = url + (*tls ? 8 : 7);
    size_t n = strcspn(from, "/?#");
    if (n == 0 || n >= 256)
        return false;
    snprintf(host, 256, "%.*s", (int)n, from);
    return true;
}

static void write_member(struct farm *f, const struct import_block *d, const char *url)
{
    char host[256], address[300], retry[32];
    bool tls;
    struct import_model *m = f->h->m;
    if (!url_host(url, host, &tls) || !import_address(address, sizeof(address), host, "127.0.0.1", tls ? "443" : "80")) {
        import_left(m, f->targets, d->line, "this target: write it as http://HOST:PORT or https://HOST:PORT");
        return;
    }
    if ((tls && f->has_plain) || (!tls && f->has_tls)) {
        import_left(m, f->targets, d->line, "this target: those before it have another scheme; give it an upstream of its own");
        return;
    }
    f->has_tls = tls;
    f->has_plain = !tls;
    struct import_node *target = import_add(m, f->targets, IMPORT_GROUP, NULL, NULL);
    const char *route = apache_parameter(d, "route"), *factor = apache_parameter(d, "loadfactor"), *status = apache_parameter(d, "status");
    const char *pause = apache_parameter(d, "retry");
    import_string(m, target, "address", address, d->line);
    if (route != NULL)
        import_string(m, target, "route", route, d->line);
    if (factor != NULL && strspn(factor, "0123456789") == strlen(factor) && strtoul(factor, NULL, 10) >= 1)
        import_plain(m, target, "weight", factor, d->line);
    else if (factor != NULL)
        import_left(m, target, d->line, "loadfactor=%.20s: weights are whole numbers from 1", factor);
    if (status != NULL && strcasecmp(status, "+H") == 0)
        import_plain(m, target, "backup", "true", d->line);
    else if (status != NULL)
        import_left(m, target, d->line, "status=%.20s has no counterpart", status);
    if (pause != NULL && import_duration(retry, pause, "s", 0, 3600000))
        import_string(m, f->node, "retry_after", retry, d->line);
}

/* lbmethod and stickysession, of ProxySet or ProxyPass. */
static void write_parameters(struct farm *f, const struct import_block *d)
{
    struct import_model *m = f->h->m;
    const char *method = apache_parameter(d, "lbmethod"), *cookie = apache_parameter(d, "stickysession");
    if (method != NULL && import_is(method, "byrequests bybusyness heartbeat"))
        import_string(m, f->node, "balance", strcmp(method, "bybusyness") == 0 ? "least_conn" : "round_robin", d->line);
    else if (method != NULL)
        import_left(m, f->node, d->line, "lbmethod=%.30s: round_robin is used", method);
    if (cookie == NULL)
        return;
    char name[64];
    size_t n = strcspn(cookie, "|"); /* JSESSIONID|jsessionid: the second is in the path */
    if (n == 0 || n >= sizeof(name) || strspn(cookie, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") < n) {
        import_left(m, f->node, d->line, "stickysession: this is not the name of a cookie");
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int)n, cookie);
    struct import_node *sticky = import_group(m, f->node, "sticky");
    import_string(m, sticky, "cookie", name, d->line);
    import_string(m, sticky, "mode", "suffix", d->line);
}

static void write_tls(struct farm *f)
{
    struct import_model *m = f->h->m;
    const struct import_block *host = f->h->host;
    struct import_node *tls = import_at(import_group(m, f->node, "tls"), f->pass->line);
    const struct import_block *cert = import_block_find(host, "sslproxymachinecertificatefile"), *chain = import_block_find(host, "sslproxymachinecertificatechainfile");
    const struct import_block *file = import_block_find(host, "sslproxycacertificatefile"), *folder = import_block_find(host, "sslproxycacertificatepath");
    const struct import_block *crl = import_block_find(host, "sslproxycarevocationfile"), *ca = file != NULL ? file : folder;
    const char *verify = import_block_value(host, "sslproxyverify"), *name = import_block_value(host, "sslproxycheckpeername");
    if (cert != NULL)
        import_string(m, tls, "identity", import_identity(m, cert->w[1], NULL, NULL, cert->line), cert->line);
    if (chain != NULL)
        import_remark(m, tls, chain->line, "put these certificates into the bundle as well, if the server needs them");
    import_string(m, tls, "trust", import_trust(m, &(struct import_trust_files){.ca = ca != NULL ? ca->w[1] : NULL, .crl = crl != NULL ? crl->w[1] : NULL,
                  .line = ca != NULL ? ca->line : 0, .crl_line = crl != NULL ? crl->line : 0}), ca != NULL ? ca->line : 0);
    if (verify == NULL || strcasecmp(verify, "require") != 0)
        import_left(m, tls, f->pass->line, "Apache does not verify this server (SSLProxyVerify is not require); mtlsd always does, here with this trust");
    else if (name != NULL && strcasecmp(name, "off") == 0)
        import_left(m, tls, import_block_find(host, "sslproxycheckpeername")->line, "SSLProxyCheckPeerName off: mtlsd expects server_name, or the target's host, in the certificate");
}

static const struct import_block *find_proxy(const struct import_block *in, const char *url)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    for (; in != NULL; in = in->parent)
        for (const struct import_block *d = in->first; d != NULL; d = d->next)
            if (strcmp(d->w[0], "proxy") == 0 && d->n > 1 && strncmp(d->w[1], url, n) == 0 && strspn(d->w[1] + n, "/") == strlen(d->w[1] + n))
                return d;
    return NULL;
}

/* A cookie ends with the route of its target, so each needs one. */
static void check_routes(struct farm *f)
{
    struct import_node *sticky = import_find(f->node, "sticky");
    for (const struct import_node *n = f->targets->first; sticky != NULL && n != NULL; n = n->next)
        if (n->form == IMPORT_GROUP && import_find(n, "route") == NULL) {
            import_left(f->h->m, f->node, sticky->first->line, "stickysession: a member has no route=, which ends the value of its cookies");
            import_remove(f->h->m, sticky);
            return;
        }
}

static void write_farm(struct farm *f, const char *url)
{
    f->targets = import_add(f->h->m, f->node, IMPORT_ROWS, "targets", NULL);
    if (f->proxy == NULL)
        write_member(f, f->pass, url);
    for (const struct import_block *d = f->proxy != NULL ? f->proxy->first : NULL; d != NULL; d = d->next)
        if (strcmp(d->w[0], "balancermember") == 0 && d->n > 1)
            write_member(f, d, d->w[1]);
        else if (strcmp(d->w[0], "proxyset") == 0)
            write_parameters(f, d);
        else if (!import_is(d->w[0], "require order allow deny")) /* those are gates */
            import_left(f->h->m, f->node, d->line, "\"%.60s\" has no counterpart", d->w[0]);
    import_check_backups(f->h->m, f->targets);
    write_parameters(f, f->pass);
    check_routes(f);
    import_string(f->h->m, f->node, "host", apache_is_on(f->h->host, "proxypreservehost") ? "preserve" : "upstream", 0);
    if (f->has_tls)
        write_tls(f);
}

const char *apache_upstream(struct apache_host *h, const struct import_block *pass, const char *url)
{
    char host[256] = "";
    bool tls, is_balancer = strncasecmp(url, "balancer://", 11) == 0;
    if (is_balancer)
        snprintf(host, sizeof(host), "%.*s", (int)(strcspn(url + 11, "/") < 255 ? strcspn(url + 11, "/") : 255), url + 11);
    if ((!is_balancer && !url_host(url, host, &tls)) || strpbrk(url, "$%") != NULL) {
        import_left(h->m, h->routes, pass->line, "this target: only http, https and balancer are forwarded to");
        return NULL;
    }
    struct import_model *m = h->m;
    char balancer[300];
    snprintf(balancer, sizeof(balancer), "balancer://%s", host);
    struct farm f = {.h = h, .pass = pass, .proxy = is_balancer ? find_proxy(h->host, balancer) : NULL};
    size_t left = m->left, remarks = m->remarks;
    f.node = import_named(m, m->upstreams, host);
    if (!is_balancer || f.proxy != NULL)
        write_farm(&f, url);
    for (struct import_node *old = m->upstreams->first; old != NULL && old != f.node; old = old->next)
        if (old->form == IMPORT_GROUP && f.targets != NULL && import_same(old, f.node)) {
            import_remove(m, f.node);
            m->left = left;
            m->remarks = remarks;
            return old->key;
        }
    if (f.targets != NULL && import_has_group(f.targets))
        return f.node->key;
    import_keep_remarks(m, f.node, m->upstreams);
    import_remove(m, f.node);
    import_left(m, h->routes, pass->line, "this target: it has no member that could be carried over");
    return NULL;
}
