/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "mtlsd/base/text.h"

#include <stdio.h>

#define INDENT "                 "
#define VERSION "TLS {min_version}[{max_version=1.3}+][{max_version=1.2} only]"
#define TLS "[{!tls}plaintext][{?tls}" VERSION "[, presents \"{$identity}\"][ or {other_identities}][, verifies with \"{$trust}\"][, starttls {starttls}]]"
#define ASKS "[{client_cert=none}, no certificate asked][{client_cert=optional}, certificate optional][{client_cert=required}, certificate required]"

/* ---- what is loaded ---- */

/* The issuer, and whether an intermediate's certificate is sent too, which callers may need. */
static void print_identity(struct page *p, const json_t *o)
{
    page_put(p, o, "{$name:16} {not_after:utc22} {seconds_left:days>9}  {key:12} {subject}\n");
    if (!json_equal(document_get(o, "subject"), document_get(o, "issuer")))
        page_put(p, o, INDENT "issued by {issuer}[{!chain_length>1}, sent without intermediates]"
                              "[{chain_length>1}, sent with {chain_length:rest} intermediate[{chain_length>2}s]]\n");
    page_put(p, o, "[" INDENT "renewed by {$renewal.url} from {renewal.from:utc} on, which trust {$renewal.trust} verifies\n]");
}

/* Where lists are configured also which CA has one, and which is left without. */
static void print_trust(struct page *p, const json_t *o)
{
    if (document_number(o, "cas") == 0)
        return;
    page_put(p, o, "{$name:16} {first_not_after:due22} {cas:>9}  {crls:12} {revoked:10} {first_next_update:due}\n");
    page_put(p, o, "[  OCSP ({ocsp}): clients' certificates are asked about at {ocsp_responder|the responder that each names}\n]");
    p->outer = o;
    page_each(p, document_get(o, "crl_coverage"),
              "  {ca}: [{?covered}{revoked|0} revoked, next list due ][{?covered}{next_update:utc}]"
              "[{!covered}no revocation list, so its certificates are [{^crl_policy=require}refused (crl_missing)][{!^crl_policy=require}accepted as not revoked]]\n");
}

/* One target stands on the upstream's own line, several below it. */
static void print_upstream(struct page *p, const json_t *o)
{
    const json_t *targets = document_get(o, "targets");
    size_t n = json_array_size(targets);
    char several[40];
    snprintf(several, sizeof(several), "%zu targets", n);
    page_put(p, o, n > 1 ? "{$name:16} " : "{$name:16} {$targets.0.address:32} ");
    if (n > 1)
        page_printf(p, "%-32s ", several);
    page_put(p, o, TLS "[{targets>1}, {balance}]"
                       "[{sticky.mode=client_cert}, sticky by the client's certificate][{sticky.mode=suffix}, sticky by the end of cookie {$sticky.cookie}]"
                       "[{sticky.mode=insert}, sticky by our cookie {$sticky.cookie}]"
                       "[{?health}, health by [{!health.path}{!health.grpc}{!health.grpc=}handshake][GET {$health.path}][{health.grpc=}gRPC][gRPC of {$health.grpc}] every {health.interval_ms:seconds}s]"
                       "[, through proxy {$proxy}][{!send_proxy_protocol=off}, sends a PROXY header {send_proxy_protocol}]\n");
    for (size_t i = 0; n > 1 && i < n; i++) {
        page_put(p, json_array_get(targets, i), INDENT "{$address:32} ");
        page_put(p, json_array_get(targets, i), "[{,}route {$route}][{,}{weight>1}weight {weight}][{,}{?backup}backup]");
        page_say(p, "\n");
    }
}

/* "path /admin, method GET -> app, only for ou = "ops"" */
static void print_route(struct page *p, const json_t *o, size_t number)
{
    page_printf(p, INDENT "%zu. ", number);
    size_t before = p->out->len;
    page_put(p, o, "[{,}host {$host+ or }][{,}sni {$sni+ or }][{,}path {$path}[{path_case=exact} as spelled]][{,}method {$method+ or }][{,}certificate {cert}][{,}caller {$caller+ or }]");
    page_say(p, p->out->len == before ? "everything" : "");
    page_put(p, o, " -> [{status} to {$redirect}][{!redirect}{!upstream}{status}[, {$respond_type}][ from {$respond_file}]]"
                   "[{!redirect}{$upstream}[, strips {$strip_prefix}][, sets {set_headers+, sets }][, removes {$remove_headers+, removes }]"
                   "[{?set_host}, Host [{set_host=preserve}kept][{set_host=upstream}the upstream's][{!set_host=preserve}{!set_host=upstream}{$set_host}]]]"
                   "[, only for {$allow+ or }]\n");
}

static void print_listener(struct page *p, const json_t *o)
{
    const json_t *bind = document_get(o, "bind"), *routes = document_get(o, "routes");
    page_put(p, o, "{$name:16} {$bind.0:32} [{protocol=tls-passthrough}the client's own TLS][{!protocol=tls-passthrough}" TLS "][{?tls}{!identities}" ASKS "][{?identities}{?identity}" ASKS ", others by server name]"
                   "[{?identities}{!identity}, identities by server name][, {allow_rules} allow rule{allow_rules#}][{?accept_proxy_protocol}, PROXY header required]"
                   "[{?forward_proxy}, forward proxy ([{forward_proxy.connect=sniff}looks into tunnels][{forward_proxy.connect=tunnel}tunnels blindly]"
                   "[{forward_proxy.connect=refuse}no CONNECT][, {forward_proxy.direct:count} host{forward_proxy.direct#} directly]"
                   "[{forward_proxy.unmatched=direct}, other public hosts directly])]"
                   ", {protocol}[ -> {$upstream}][{!upstream}, [{routes:count}][{!routes}0] route{routes#}]\n");
    for (size_t i = 1; i < json_array_size(bind); i++)
        page_printf(p, INDENT "%s\n", json_string_value(json_array_get(bind, i)));
    page_put(p, o, "[" INDENT "accepts for its routes: {tolerate}\n]");
    page_each(p, document_get(o, "identities"), INDENT "[{$hosts}: ][{!hosts}its certificate's names: ]" VERSION
                                                       "[, presents \"{$identity}\"][, verifies with \"{$trust}\"]" ASKS "\n");
    for (size_t i = 0; i < json_array_size(routes) && document_string(o, "upstream", NULL) == NULL; i++)
        print_route(p, json_array_get(routes, i), i + 1);
}

static void print_registry(struct page *p, const json_t *o)
{
    page_put(p, o, "{$name:16} [{?loaded}{rows:>12,}][{!loaded}         ---]  {$database}\n");
}

/* ---- what was connected to ---- */

static void print_certificate(struct page *p, const json_t *o, const char *form)
{
    long long left = text_days_left(document_number(o, "seconds_left"), 0), days = left < 0 ? -left : left;
    if (!json_is_object(o))
        return;
    page_put(p, o, form);
    page_put(p, o, ", until {not_after:utc}, ");
    page_printf(p, left < 0 ? "expired %lld day%s ago\n" : "%lld day%s left\n", days, days == 1 ? "" : "s");
}

static void print_connection(struct page *p, const json_t *o)
{
    page_put(p, o, "{$upstream:16} {$target:32} [{?accepted}accepted[{!tls}, plaintext, connect {connect_ms} ms][{?tls}[, HTTP {http_status}], connect {connect_ms} ms, "
                   "handshake {handshake_ms} ms]][{!accepted}REFUSED by [{!refused_by=us}the ]{refused_by}: {reason}[, alert {alert_received}]]\n"
                   "[" INDENT "{detail}\n]");
    print_certificate(p, document_get(o, "peer"), INDENT "server: {subject}, issued by {issuer}");
    print_certificate(p, document_get(o, "ours"), INDENT "ours: {subject}, issued by {issuer}, serial {serial}");
    page_put(p, o, "[{?tls}" INDENT "{tls.version}[, {tls.cipher}][, ALPN {tls.alpn}][{!tls.cipher}, handshake not finished]"
                   "[{?tls.certificate_sent}; it requested a certificate, \"{$identity}\" was sent]"
                   "[{!tls.certificate_sent}{?tls.certificate_asked}; it requested a certificate, "
                   "[{!tls.cipher}{?identity}none was sent][{?tls.cipher}{?identity}there was none to send][{!identity}there was none to send]]"
                   "[{!tls.certificate_sent}{!tls.certificate_asked}{?tls.cipher}; it did not ask for a certificate]\n]"
                   "[{?accepted}[" INDENT "its stapled OCSP answer is ignored: {tls.staple_ignored}\n]]"
                   "[" INDENT "what to do: {hint}\n]");
}

/* ---- all of it ---- */

static void print_summary(struct page *p, const json_t *document)
{
    const json_t *connections = document_get(document, "connections");
    size_t n = json_array_size(connections), accepted = 0;
    for (size_t i = 0; i < n; i++)
        accepted += document_truth(json_array_get(connections, i), "accepted");
    page_put(p, document, "{$config}: [{!starts}refused][{?starts}[{!ok}run would start, but not everything works]"
                          "[{?ok}[{?warnings}can be used][{!warnings}fine]]][, {errors} error{errors#}][, {warnings} warning{warnings#}]");
    if (connections != NULL)
        page_printf(p, ", %zu of %zu targets accepted", accepted, n);
    page_say(p, "\n");
}

void check_sheet_print(struct page *p, const json_t *document)
{
    static const struct {
        const char *key, *title;
        void (*print)(struct page *p, const json_t *o);
    } tables[] = {
        {"identities", "\nIDENTITY         NOT AFTER              DAYS LEFT  KEY          SUBJECT\n", print_identity},
        {"trusts", "\nTRUST            FIRST CA ENDS                CAS  CRLS         REVOKED    NEXT CRL DUE\n", print_trust},
        {"registries", "\nREGISTRY                 ROWS  DATABASE\n", print_registry},
        {"upstreams", "\nUPSTREAM         TARGET                           HOW\n", print_upstream},
        {"listeners", "\nLISTENER         BIND                             HOW\n", print_listener},
        {"connections", "\nCONNECTING       TARGET                           RESULT\n", print_connection},
    };
    page_each(p, document_get(document, "findings"), "[{$where}: ]{level}: {$text}[{times>1} (the first of {times} such places)]\n");
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        const json_t *list = document_get(document, tables[i].key);
        page_say(p, json_array_size(list) > 0 ? tables[i].title : "");
        for (size_t k = 0; k < json_array_size(list); k++)
            tables[i].print(p, json_array_get(list, k));
    }
    page_say(p, p->out->len > 0 || document_get(document, "identities") != NULL ? "\n" : "");
    print_summary(p, document);
}
