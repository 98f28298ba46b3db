/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static const char text[] = "identities = {\n"
                           "  server = { bundle = \"/etc/server.pem\"; };\n"
                           "  payments = { bundle = \"/etc/payments.pem\"; };\n"
                           "};\n"
                           "trusts = {\n"
                           "  clients = { ca = \"/etc/clients.pem\"; crl = \"/etc/clients.crl\"; };\n"
                           "  partner = { ca = \"/etc/partner.pem\"; };\n"
                           "};\n"
                           "upstreams = { partner = {\n"
                           "  targets = [ \"api.partner.example:443\" ];\n"
                           "  tls = { identity = \"payments\"; trust = \"partner\"; };\n"
                           "}; };\n"
                           "listeners = { public = {\n"
                           "  bind = \"127.0.0.1:8443\";\n"
                           "  tls = { identity = \"server\"; trust = \"clients\"; };\n"
                           "  upstream = \"partner\";\n"
                           "}; };\n";

void world_issue(struct world *w, const char *path, const struct tls_pki_pair *ca, const struct tls_pki_order *order)
{
    struct tls_pki_pair pair = {0};
    struct err err = {0};
    struct tls_pki_order dated = *order;
    if (dated.not_after == 0)
        dated.not_after = WORLD_NOW + 300 * WORLD_DAY;
    dated.not_before = WORLD_NOW - 30 * WORLD_DAY;
    int rc = tls_pki_issue(bytes_span(&ca->certificate), bytes_span(&ca->key), &dated, 17, &pair, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    struct memory_file *f = memory_files_put(&w->files, path, bytes_span(&pair.certificate));
    ck_assert_int_eq(bytes_append_span(&f->text, bytes_span(&pair.key)), 0);
    tls_pki_pair_clear(&pair);
}

static void make_ca(struct world *w, const char *path, const char *cn, struct tls_pki_pair *out)
{
    struct err err = {0};
    int rc = tls_pki_new_ca(cn, WORLD_NOW - 100 * WORLD_DAY, WORLD_NOW + 1000 * WORLD_DAY, out, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    memory_files_put(&w->files, path, bytes_span(&out->certificate));
}

void world_make(struct world *w)
{
    static const char *const server_names[] = {"dns:proxy.example"};
    struct err err = {0};
    memset(w, 0, sizeof(*w));
    snprintf(w->config, sizeof(w->config), "%s", text);
    make_ca(w, "/etc/clients.pem", "Clients CA", &w->clients_ca);
    make_ca(w, "/etc/partner.pem", "Partner CA", &w->partner_ca);
    struct tls_pki_order server = {.cn = "proxy.example", .sans = server_names, .n_sans = 1, .purpose = TLS_PURPOSE_SERVER};
    struct tls_pki_order client = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT};
    world_issue(w, "/etc/server.pem", &w->partner_ca, &server);
    world_issue(w, "/etc/payments.pem", &w->clients_ca, &client);
    struct bytes crl;
    bytes_init(&crl, 1 << 16);
    struct tls_pki_revoked revoked = {.serial = 99, .when = WORLD_NOW - WORLD_DAY};
    int rc = tls_pki_make_crl(bytes_span(&w->clients_ca.certificate), bytes_span(&w->clients_ca.key), &revoked, 1, 1, WORLD_NOW - WORLD_DAY,
                              WORLD_NOW + 7 * WORLD_DAY, &crl, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    memory_files_put(&w->files, "/etc/clients.crl", bytes_span(&crl));
    bytes_clear(&crl);
}

void world_clear(struct world *w)
{
    memory_files_clear(&w->files);
    tls_pki_pair_clear(&w->clients_ca);
    tls_pki_pair_clear(&w->partner_ca);
}

void world_edit(struct world *w, const char *from, const char *to)
{
    char edited[sizeof(w->config)];
    char *at = strstr(w->config, from);
    ck_assert_msg(at != NULL, "\"%s\" is not in the configuration", from);
    int n = snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - w->config), w->config, to, at + strlen(from));
    ck_assert(n > 0 && (size_t)n < sizeof(edited));
    memcpy(w->config, edited, sizeof(edited));
}

struct snapshot *world_load(struct world *w, uint64_t generation, struct findings *findings)
{
    struct config *config = config_parse(w->config, "test.conf", findings);
    if (config == NULL)
        return NULL;
    struct file_source source = memory_files_source(&w->files);
    source.instead = w->instead;
    return snapshot_new(config, &source, generation, WORLD_NOW, findings);
}
