/* SPDX-License-Identifier: Apache-2.0 */
#include "config_elsewhere.h"

#include <stddef.h>
#include <string.h>

static const char name_identity[] = "identity = NAME in tls, with bundle or certificate and key in identities.NAME",
                  name_trust[] = "trust = NAME in tls, with ca = \"FILE\" in trusts.NAME",
                  client_cert[] = "client_cert = \"required\" or \"optional\" in a listener's tls; an upstream is always verified",
                  server_name[] = "server_name in the upstream's tls (the target's host by default)",
                  certificate[] = "certificate = \"FILE\" with key = \"FILE\", or bundle = \"FILE\" for one file with both",
                  lists[] = "crl = \"FILE\" in the trust", ignore[] = "tolerate = [ \"expired\", ... ] in the listener's tls",
                  priority[] = "priority, a GnuTLS priority string; without it the ciphers are modern ones", versions[] = "min_version = \"1.2\" or \"1.3\"",
                  bind[] = "bind = \"ADDRESS:PORT\"", targets[] = "targets = [ \"HOST:PORT\" ]",
                  upstream[] = "upstream = NAME, with targets in upstreams.NAME", http1[] = "nothing: only HTTP/1.1 is spoken, so there is nothing to choose";
/* Where a group is named the row is for that group, and stands before the one for all. Dashes and capitals are as libconfig takes them. */
static const struct {
    const char *group, *word, *here;
} words[] = {
    {"identity", "cert", certificate},
    {"identity", "crt", certificate},
    {"identity", "ssl_certificate", certificate},
    {"identity", "pem", "bundle = \"FILE\" for one file with certificate and key"},
    {"identity", "ssl_certificate_key", "key = \"FILE\""},
    {"identity", "private_key", "key = \"FILE\""},
    {"identity", "SSLCertificateChainFile", "chain = \"FILE\""},
    {NULL, "verify", client_cert},
    {NULL, "verifyPeer", client_cert},
    {NULL, "verifyChain", name_trust},
    {NULL, "ssl_verify_client", client_cert},
    {NULL, "proxy_ssl_verify", "nothing: an upstream with tls is always verified"},
    {NULL, "insecure_skip_verify", "nothing: an upstream with tls is always verified"},
    {NULL, "ca-file", name_trust},
    {NULL, "ca_file", name_trust},
    {NULL, "cafile", name_trust},
    {NULL, "CAfile", name_trust},
    {NULL, "cacert", name_trust},
    {NULL, "ssl_client_certificate", name_trust},
    {NULL, "ssl_trusted_certificate", name_trust},
    {NULL, "proxy_ssl_trusted_certificate", name_trust},
    {NULL, "crl-file", lists},
    {NULL, "crl_file", lists},
    {NULL, "ssl_crl", lists},
    {NULL, "CRLfile", lists},
    {NULL, "crt-ignore-err", ignore},
    {NULL, "ca-ignore-err", ignore},
    {NULL, "crt", name_identity},
    {NULL, "cert", name_identity},
    {NULL, "keystore", name_identity},
    {NULL, "ssl_certificate", name_identity},
    {NULL, "ssl_certificate_key", name_identity},
    {NULL, "proxy_ssl_certificate", name_identity},
    {NULL, "proxy_ssl_certificate_key", name_identity},
    {NULL, "private_key", name_identity},
    {NULL, "ciphers", priority},
    {NULL, "ssl_ciphers", priority},
    {NULL, "ciphersuites", priority},
    {NULL, "ssl_protocols", versions},
    {NULL, "protocols", versions},
    {NULL, "sslVersion", versions},
    {NULL, "ssl-min-ver", versions},
    {NULL, "http2", http1},
    {NULL, "ssl_alpn", "alpn = [ \"NAME\", ... ] in tls"},
    {NULL, "ssl_preread", "protocol = \"tls-passthrough\", with routes = ( { sni = \"NAME\"; upstream = NAME; }, ... )"},
    {NULL, "listen", bind},
    {NULL, "accept", bind},
    {NULL, "port", bind},
    {"listener", "address", bind},
    {"upstream", "address", targets},
    {"upstream", "hosts", targets},
    {NULL, "server", targets},
    {NULL, "servers", targets},
    {NULL, "url", targets},
    {NULL, "proxy_pass", upstream},
    {NULL, "default_backend", "upstream = NAME, or a last route without a match"},
    {NULL, "use_backend", "routes = ( { path = \"/x\"; upstream = NAME; }, ... )"},
    {NULL, "location", "routes = ( { path = \"/x\"; upstream = NAME; }, ... )"},
    {NULL, "locations", "routes = ( { path = \"/x\"; upstream = NAME; }, ... )"},
    {NULL, "backend", upstream},
    {NULL, "backends", "upstreams"},
    {NULL, "frontends", "listeners"},
    {NULL, "verifyhost", server_name},
    {"upstream", "sni", server_name},
    {"upstream.tls", "sni", server_name},
    {NULL, "proxy_ssl_name", server_name},
    {NULL, "san", "dns, uri, email or ip"},
    {"listener", "mode", "protocol = \"http\" or \"tcp\""},
    {NULL, "access_log", "log = { target = \"FILE\"; format = \"combined\"; } at the top level"},
    {NULL, "error_log", "log = { target = \"FILE\"; } at the top level"},
    {NULL, "proxy_set_header", "set_headers = { Name = \"value\"; } in a route"},
    {NULL, "add_header", "set_headers = { Name = \"value\"; } in a route, for requests; fields of responses pass as they are"},
    {NULL, "return", "respond = STATUS in a route"},
    {NULL, "proxy_read_timeout", "timeouts = { response = \"60s\"; } in the upstream"},
    {NULL, "proxy_connect_timeout", "timeouts = { connect = \"5s\"; } in the upstream"},
    {NULL, "client_max_body_size", "nothing: bodies are forwarded as they come, and not kept"},
};

const char *config_foreign_key(const char *group, const char *key)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].word, key) == 0 && (words[i].group == NULL || strcmp(words[i].group, group) == 0))
            return words[i].here;
    return NULL;
}
