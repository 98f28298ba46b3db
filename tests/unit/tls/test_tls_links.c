/* SPDX-License-Identifier: Apache-2.0 */
/* The chain file of an identity; bundles in every order are in test_tls_identity.c. */
#include "certs.h"
#include "mtlsd/tls/tls_identity.h"
#include "t.h"
#include "tls_links.h"

#include <stdlib.h>
#include <string.h>

static struct certs root, middle, twin, heir, leaf, by_root, bare_middle, bare_leaf, stranger;

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root}, &middle);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root}, &twin);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root, .same_key_as = &middle}, &heir);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle}, &leaf);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root}, &by_root);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root, .no_key_ids = true}, &bare_middle);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle, .no_key_ids = true}, &bare_leaf);
    certs_make(&(struct certs_order){.cn = "Stranger", .ca = true}, &stranger);
}

static void clear(void)
{
    struct certs *all[] = {&root, &middle, &twin, &heir, &leaf, &by_root, &bare_middle, &bare_leaf, &stranger};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        certs_clear(all[i]);
}

static const struct row {
    const char *why;
    const struct certs *file[3], *chain[4];
    size_t length;
    enum finding_level level; /* the worst; of none: FINDING_NOTE */
    const char *says;         /* NULL: nothing is said */
} rows[] = {
    {"the usual case", {&leaf}, {&middle}, 2, FINDING_NOTE, NULL},
    {"the root is in it", {&leaf}, {&middle, &root}, 3, FINDING_NOTE, "peers have it: leave it out"},
    {"the root first", {&leaf}, {&root, &middle}, 3, FINDING_NOTE, "out of order"},
    {"the root of a leaf without intermediates", {&by_root}, {&root}, 2, FINDING_NOTE, "peers have it: leave it out"},
    {"the leaf is in it too", {&leaf}, {&leaf, &middle}, 2, FINDING_NOTE, "is there twice; it is sent once"},
    {"an intermediate twice", {&leaf}, {&middle, &middle}, 2, FINDING_NOTE, "is there twice; it is sent once"},
    {"the certificate's file has the chain as well", {&leaf, &middle}, {&middle}, 2, FINDING_NOTE, "is there twice; it is sent once"},
    {"a stranger in it", {&leaf}, {&stranger, &middle}, 2, FINDING_NOTE, "does not belong to the chain"},
    {"of another CA", {&leaf}, {&stranger}, 1, FINDING_FAULT, "none of its certificates issued CN=leaf"},
    {"of a leaf that needs none", {&by_root}, {&middle}, 1, FINDING_FAULT, "give the certificate of CN=Root"},
    {"of another CA behind a good one", {&leaf, &middle}, {&stranger}, 2, FINDING_FAULT, "none of its certificates issued CN=Middle"},
    {"of a CA with the same name and another key", {&leaf}, {&twin}, 1, FINDING_FAULT, "give the certificate of CN=Middle"},
    {"of the CA's renewed certificate", {&leaf}, {&heir}, 2, FINDING_NOTE, NULL},
    {"without key identifiers", {&bare_leaf}, {&bare_middle, &middle}, 2, FINDING_NOTE, "does not belong"},
    {"of the same name, without key identifiers", {&bare_leaf}, {&twin, &middle}, 2, FINDING_NOTE, "does not belong"},
    {"only of the same name, without key identifiers", {&bare_leaf}, {&twin}, 1, FINDING_FAULT, "none of its certificates"},
};

static struct span join(const struct certs *const *from, size_t n)
{
    struct span pieces[4];
    size_t have = 0;
    for (; have < n && from[have] != NULL; have++)
        pieces[have] = from[have]->pem;
    return certs_join(pieces, have);
}

START_TEST(puts_a_chain_file_behind_the_certificate)
{
    const struct row *row = &rows[_i];
    struct span file = join(row->file, 3), chain = join(row->chain, 4);
    struct findings notes = {0};
    struct err err = {0};
    struct tls_identity_spec spec = {.name = "me", .certificate = file, .certificate_file = "cert.pem", .key = row->file[0]->key_pem,
                                     .key_file = "key.pem", .chain = chain, .chain_file = "chain.pem"};
    struct tls_identity *id = tls_identity_new(&spec, CERTS_NOW, &notes, &err);
    struct tls_identity_facts facts;
    ck_assert_msg(id != NULL, "%s: %s", row->why, err.text);
    tls_identity_facts(id, &facts);
    ck_assert_msg(facts.chain_length == row->length, "%s: %zu", row->why, facts.chain_length);
    enum finding_level worst = FINDING_NOTE;
    bool said = false;
    for (size_t i = 0; i < notes.n; i++) {
        worst = notes.items[i].level > worst ? notes.items[i].level : worst;
        ck_assert_msg(strcmp(notes.items[i].where, "chain.pem") == 0, "%s: %s", row->why, notes.items[i].where);
        said = said || (row->says != NULL && strstr(notes.items[i].text, row->says) != NULL);
    }
    ck_assert_msg(worst == row->level && said == (row->says != NULL) && (row->says != NULL || notes.n == 0), "%s: %s", row->why, notes.n > 0 ? notes.items[0].text : "");
    tls_identity_unref(id);
    findings_clear(&notes);
    certs_free(file);
    certs_free(chain);
}
END_TEST

START_TEST(refuses_a_chain_file_without_a_certificate)
{
    const struct {
        struct span text;
        const char *says;
    } files[] = {{leaf.key_pem, "chain.pem holds no certificate"}, {span_from_str(""), "chain.pem"}, {span_from_str("-----BEGIN CERTIFICATE-----\nAA"), "chain.pem:1"}};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct findings notes = {0};
        struct err err = {0};
        struct tls_identity_spec spec = {.name = "me", .certificate = leaf.pem, .certificate_file = "cert.pem", .key = leaf.key_pem,
                                         .key_file = "key.pem", .chain = files[i].text, .chain_file = "chain.pem"};
        ck_assert_ptr_null(tls_identity_new(&spec, CERTS_NOW, &notes, &err));
        ck_assert_msg(strstr(err.text, files[i].says) != NULL, "%s", err.text);
        findings_clear(&notes);
    }
}
END_TEST

START_TEST(gives_back_what_is_left_out)
{
    struct tls_link items[2] = {{.file = "a", .line = 1}, {.file = "b", .line = 2}};
    tls_links_swap(&items[0], &items[1]);
    ck_assert(items[0].line == 2 && items[1].line == 1);
    items[0].der = malloc(1);
    tls_link_clear(&items[0]);
    ck_assert(items[0].der == NULL && items[0].line == 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_links");
    TCase *t = tcase_create("links");
    tcase_add_unchecked_fixture(t, make, clear);
    tcase_add_loop_test(t, puts_a_chain_file_behind_the_certificate, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, refuses_a_chain_file_without_a_certificate);
    tcase_add_test(t, gives_back_what_is_left_out);
    suite_add_tcase(s, t);
    return s;
}
