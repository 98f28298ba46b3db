/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 5280 6.1 for one policy; OpenSSL's answers to chains like these are in tests/system/test_allow_keys.py. */
#include "mtlsd/tls/tls_cert_policy.h"
#include "certs.h"
#include "t.h"

#include <string.h>

#define DER(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define ONE "1.2.3.1"
#define IS_ONE "\x30\x05\x06\x03\x2a\x03\x01"
#define IS_TWO "\x30\x05\x06\x03\x2a\x03\x02"
#define IS_ANY "\x30\x06\x06\x04\x55\x1d\x20\x00"
#define MAPS "2.5.29.33"
#define INHIBITS "2.5.29.54"
#define ONE_ONLY DER("\x30\x07" IS_ONE)
#define TWO_ONLY DER("\x30\x07" IS_TWO)
#define BOTH DER("\x30\x0e" IS_ONE IS_TWO)
#define PLAIN NULL, {NULL, 0}, false
#define NO_CA {{NULL, 0}, PLAIN}
#define ANY DER("\x30\x08" IS_ANY)

struct maker {
    struct span policies;
    const char *extension;
    struct span value;
    bool self_issued; /* has the name of the CA above */
};

static const struct row {
    const char *why;
    struct maker cas[3]; /* below the root, the highest first; no policies and no extension: there is none */
    size_t n_cas;
    struct maker leaf;
    enum tls_cert_policy expected;
} rows[] = {
    {"the root issued the leaf", {NO_CA}, 0, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"beside another", {NO_CA}, 0, {BOTH, PLAIN}, TLS_CERT_POLICY_VALID},
    {"another alone", {NO_CA}, 0, {TWO_ONLY, PLAIN}, TLS_CERT_POLICY_ABSENT},
    {"none", {NO_CA}, 0, NO_CA, TLS_CERT_POLICY_ABSENT},
    {"anyPolicy in the leaf names none", {NO_CA}, 0, {ANY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"an empty list", {NO_CA}, 0, {DER("\x30\x00"), PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"bytes behind the list", {NO_CA}, 0, {DER("\x30\x07" IS_ONE "\x05\x00"), PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"what follows the policy cannot be read", {NO_CA}, 0, {DER("\x30\x09" IS_ONE "\x05\x00"), PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"the CA has it", {{ONE_ONLY, PLAIN}}, 1, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"the CA has any", {{ANY, PLAIN}}, 1, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"the CA has another", {{TWO_ONLY, PLAIN}}, 1, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"the CA has none", {NO_CA}, 1, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"the CA's cannot be read", {{DER("\x31\x07" IS_ONE), PLAIN}}, 1, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"two CAs have it", {{BOTH, PLAIN}, {ONE_ONLY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"the upper one has another", {{TWO_ONLY, PLAIN}, {BOTH, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"the upper one has it, the lower one any", {{ONE_ONLY, PLAIN}, {ANY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"the upper one has none", {NO_CA, {ANY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"any counts no more in the second CA", {{ANY, INHIBITS, DER("\x02\x01\x00"), false}, {ANY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"any counts once more", {{ANY, INHIBITS, DER("\x02\x01\x01"), false}, {ANY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"but not twice", {{ANY, INHIBITS, DER("\x02\x01\x01"), false}, {ANY, PLAIN}, {ANY, PLAIN}}, 3, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"a CA's certificate for itself is not counted", {{ANY, INHIBITS, DER("\x02\x01\x01"), false}, {ANY, PLAIN}, {ANY, NULL, {NULL, 0}, true}}, 3, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"a number that cannot be read inhibits", {{ANY, INHIBITS, DER("\x02\x02\x7f\xff"), false}, {ANY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"inhibited, and named by all", {{ONE_ONLY, INHIBITS, DER("\x02\x01\x00"), false}, {ONE_ONLY, PLAIN}}, 2, {ONE_ONLY, PLAIN}, TLS_CERT_POLICY_VALID},
    {"a CA maps it to another", {{BOTH, MAPS, DER("\x30\x0c\x30\x0a\x06\x03\x2a\x03\x01\x06\x03\x2a\x03\x02"), false}}, 1, {BOTH, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"a CA maps another to it", {{BOTH, MAPS, DER("\x30\x0c\x30\x0a\x06\x03\x2a\x03\x02\x06\x03\x2a\x03\x01"), false}}, 1, {BOTH, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"a CA maps two others", {{BOTH, MAPS, DER("\x30\x0c\x30\x0a\x06\x03\x2a\x03\x02\x06\x03\x2a\x03\x03"), false}}, 1, {BOTH, PLAIN}, TLS_CERT_POLICY_VALID},
    {"a CA maps any", {{BOTH, MAPS, DER("\x30\x0d\x30\x0b\x06\x03\x2a\x03\x02\x06\x04\x55\x1d\x20\x00"), false}}, 1, {BOTH, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
    {"mappings that cannot be read", {{BOTH, MAPS, DER("\x30\x02\x05\x00"), false}}, 1, {BOTH, PLAIN}, TLS_CERT_POLICY_UNPROVEN},
};

static void make(const struct maker *m, const struct certs *issuer, const char *cn, bool ca, struct certs *out)
{
    certs_make(&(struct certs_order){.cn = cn, .ca = ca, .issuer = issuer, .policies = m->policies, .extension = m->extension, .extension_value = m->value}, out);
}

/* A16: a policy of the leaf counts only as far as its CAs have it. */
START_TEST(a16_finds_a_policy_that_the_whole_path_confirms)
{
    const struct row *row = &rows[_i];
    static const char *const names[] = {"A", "B", "C"};
    struct certs made[5];
    struct span path[3];
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &made[0]);
    for (size_t i = 0; i < row->n_cas; i++) {
        make(&row->cas[i], &made[i], row->cas[i].self_issued ? names[i - 1] : names[i], true, &made[i + 1]);
        path[row->n_cas - 1 - i] = made[i + 1].der;
    }
    make(&row->leaf, &made[row->n_cas], "leaf", false, &made[row->n_cas + 1]);
    struct tls_peer *peer = tls_peer_new(made[row->n_cas + 1].der, NULL);
    tls_peer_set_path(peer, path, row->n_cas, row->n_cas == 0);
    ck_assert_msg(tls_cert_policy_find(peer, ONE) == row->expected, "%s", row->why);
    tls_peer_free(peer);
    for (size_t i = 0; i < row->n_cas + 2; i++)
        certs_clear(&made[i]);
}
END_TEST

START_TEST(confirms_nothing_without_a_path)
{
    struct certs leaf;
    struct tls_peer none = {.n_names = 0};
    certs_make(&(struct certs_order){.cn = "leaf", .policies = ONE_ONLY}, &leaf);
    struct tls_peer *peer = tls_peer_new(leaf.der, NULL);
    ck_assert_int_eq(tls_cert_policy_find(peer, ONE), TLS_CERT_POLICY_UNPROVEN);
    ck_assert_int_eq(tls_cert_policy_find(peer, "1.2.3"), TLS_CERT_POLICY_ABSENT);
    ck_assert_int_eq(tls_cert_policy_find(peer, "1.2.3.10"), TLS_CERT_POLICY_ABSENT);
    ck_assert_int_eq(tls_cert_policy_find(&none, ONE), TLS_CERT_POLICY_UNPROVEN);
    tls_peer_free(peer);
    certs_clear(&leaf);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_cert_policy");
    TCase *c = tcase_create("policy");
    tcase_add_loop_test(c, a16_finds_a_policy_that_the_whole_path_confirms, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, confirms_nothing_without_a_path);
    suite_add_tcase(s, c);
    return s;
}
