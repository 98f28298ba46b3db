/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "openssl_pki.h"
#include "tls_context.h"
#include "tls_priority.h"
#include "tls_key.h"

#include "mtlsd/base/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct openssl_pki pki;

static void make(void)
{
    openssl_pki_make_by("openssl_keys.sh", &pki);
}

static void clear(void)
{
    openssl_pki_clear(&pki);
}

static struct span text_of(const char *kind)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.pem", kind);
    return openssl_pki_read(&pki, file);
}

/* With room for the SubjectPublicKeyInfo, or NULL. */
static void read_key_and_spki(const char *kind, struct tls_key *out, struct bytes *spki)
{
    gnutls_x509_crt_t crt;
    struct tls_cert cert;
    struct span text = text_of(kind);
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len}, der;
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_msg(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM) == 0, "%s", kind);
    ck_assert_int_eq(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der), 0);
    ck_assert_msg(tls_cert_read(span_of(der.data, der.size), &cert) == 0, "%s", kind);
    tls_key_read(crt, cert.spki, out);
    if (spki != NULL)
        ck_assert_int_eq(bytes_append_span(spki, cert.spki), 0);
    gnutls_free(der.data);
    gnutls_x509_crt_deinit(crt);
    certs_free(text);
}

static void read_key(const char *kind, struct tls_key *out)
{
    read_key_and_spki(kind, out, NULL);
}

static const struct {
    const char *kind, *name, *openssl_name;
    const char *fault; /* NULL: can be used */
} kinds[] = {
    {"p256", "ECDSA P-256", "EC256", NULL},
    {"p384", "ECDSA P-384", "EC384", NULL},
    {"p521", "ECDSA P-521", "EC521", NULL},
    {"ed25519", "Ed25519", "ED25519", NULL},
    {"ed448", "Ed448", "ED448", NULL},
    {"rsa1024", "RSA 1024", "RSA1024", NULL},
    {"rsa2048", "RSA 2048", "RSA2048", NULL},
    {"pss", "RSA-PSS 2048", "", NULL},
    {"pss256", "RSA-PSS 2048", "", NULL},
    {"pss384", "RSA-PSS 2048", "", NULL},
    {"pss512", "RSA-PSS 2048", "", NULL},
    {"pss1", "RSA-PSS 2048", "", "is limited to SHA1 with 20 bytes of salt, which TLS does not use"},
    {"salt256", "RSA-PSS 2048", "", "is limited to SHA256 with 48 bytes of salt, which TLS does not use"},
    {"rsa512", "RSA 512", "RSA512", "is too weak; issue the certificate for one of these: ECDSA P-256"},
    {"p224", "ECDSA P-224", "EC224", "is of a kind that cannot be used for TLS here"},
    {"k256", "ECDSA secp256k1", "", "is of a kind that cannot be used"},
    {"brainpool", "ECDSA brainpoolP256r1", "", "is of a kind that cannot be used"},
    {"explicit", "ECDSA with explicit parameters", "", "is of a kind that cannot be used"},
    {"dsa", "DSA 1024", "", "is of a kind that cannot be used"},
};

START_TEST(every_kind_has_its_name)
{
    struct tls_key key;
    char name[TLS_KEY_NAME];
    read_key(kinds[_i].kind, &key);
    tls_key_name(&key, name);
    ck_assert_str_eq(name, kinds[_i].name);
    tls_key_openssl_name(&key, name);
    if (key.algorithm > GNUTLS_PK_UNKNOWN)
        ck_assert_str_eq(name, kinds[_i].openssl_name);
}
END_TEST

/* A request for a certificate has the same key, without a certificate around it. */
START_TEST(a_public_key_alone_is_read_as_in_a_certificate)
{
    struct tls_key key, alone;
    char name[TLS_KEY_NAME], name_alone[TLS_KEY_NAME];
    struct bytes spki;
    bytes_init(&spki, 64 * 1024);
    read_key_and_spki(kinds[_i].kind, &key, &spki);
    tls_key_read_public(bytes_span(&spki), &alone);
    bytes_clear(&spki);
    tls_key_name(&key, name);
    tls_key_name(&alone, name_alone);
    ck_assert_str_eq(name_alone, key.affordable || key.foreign != NULL ? name : "unknown");
    ck_assert_int_eq(alone.curve, key.curve);
    ck_assert_int_eq(alone.only_hash, key.only_hash);
    ck_assert_uint_eq(alone.least_salt, key.least_salt);
    const char *flaw = tls_key_flaw(&alone, 1024);
    ck_assert_msg((flaw == NULL) == (kinds[_i].fault == NULL), "%s: %s", kinds[_i].kind, flaw);
}
END_TEST

START_TEST(kinds_of_no_use_are_refused_in_words)
{
    struct tls_key key;
    struct err err = {0};
    char all[200];
    read_key(kinds[_i].kind, &key);
    int rc = tls_key_check(&key, "me", &err);
    ck_assert_msg(rc != 0 || key.affordable, "%s: peers with such a key would be refused", kinds[_i].kind); /* A7 */
    ck_assert_msg((rc == 0) == (kinds[_i].fault == NULL), "%s: %s", kinds[_i].kind, err.text);
    if (rc == 0)
        return;
    snprintf(all, sizeof(all), "identity me: its key (%s) %s", kinds[_i].name, kinds[_i].fault);
    ck_assert_msg(strncmp(err.text, all, strlen(all)) == 0, "%s", err.text);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
}
END_TEST

/* A7 */
START_TEST(a_key_of_absurd_size_is_refused)
{
    struct err err = {0};
    struct tls_key key = {.algorithm = GNUTLS_PK_RSA, .bits = 16384};
    ck_assert_int_ne(tls_key_check(&key, "me", &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "its key (RSA 16384) is too large: a handshake would take seconds"));
    key = (struct tls_key){.algorithm = GNUTLS_PK_RSA_PSS, .bits = 8192, .affordable = true};
    ck_assert_int_eq(tls_key_check(&key, "me", &err), 0);
}
END_TEST

/* What no other library's keys are made of, but its certificates may be. */
START_TEST(names_kinds_that_the_library_does_not_know)
{
    static const uint8_t ml_dsa[] = {0x30, 0x10, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12, 0x03, 0x01, 0x00};
    gnutls_x509_crt_t empty;
    struct tls_key key;
    char name[TLS_KEY_NAME];
    ck_assert_int_eq(gnutls_x509_crt_init(&empty), 0);
    tls_key_read(empty, span_of(ml_dsa, sizeof(ml_dsa)), &key);
    tls_key_name(&key, name);
    ck_assert_str_eq(name, "ML-DSA-65");
    for (size_t cut = 0; cut < 17; cut++) {
        tls_key_read(empty, span_of(ml_dsa, cut), &key);
        tls_key_name(&key, name);
        ck_assert_msg(strcmp(name, "unknown") == 0, "cut at %zu: %s", cut, name);
    }
    gnutls_x509_crt_deinit(empty);
}
END_TEST

/* ---- what the library really does ---- */

struct side {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    struct bytes in;
    struct side *other;
    int rc;
};

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct side *s = ptr;
    size_t n = size < s->in.len ? size : s->in.len;
    if (n == 0) {
        gnutls_transport_set_errno(s->session, EAGAIN);
        return -1;
    }
    memcpy(buf, bytes_span(&s->in).ptr, n);
    bytes_consume(&s->in, n);
    return (ssize_t)n;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *buf, size_t size)
{
    struct side *s = ptr;
    ck_assert_int_eq(bytes_append(&s->other->in, buf, size), 0);
    return (ssize_t)size;
}

static int always(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ptr;
    return ms > 0;
}

static void open_side(struct side *s, struct side *other, unsigned flags, gnutls_priority_t priority, const char *kind)
{
    *s = (struct side){.other = other, .rc = GNUTLS_E_AGAIN};
    bytes_init(&s->in, 1 << 20);
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&s->credentials), 0);
    struct span text = text_of(kind);
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
    ck_assert_int_ge(gnutls_certificate_set_x509_key_mem(s->credentials, &pem, &pem, GNUTLS_X509_FMT_PEM), 0);
    certs_free(text);
    ck_assert_int_eq(gnutls_init(&s->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS), 0);
    ck_assert_int_eq(gnutls_priority_set(s->session, priority), 0);
    gnutls_credentials_set(s->session, GNUTLS_CRD_CERTIFICATE, s->credentials);
    gnutls_transport_set_ptr(s->session, s);
    gnutls_transport_set_pull_function(s->session, pull);
    gnutls_transport_set_push_function(s->session, push);
    gnutls_transport_set_pull_timeout_function(s->session, always);
    if ((flags & GNUTLS_SERVER) != 0)
        gnutls_certificate_server_set_request(s->session, GNUTLS_CERT_REQUEST);
}

static void close_side(struct side *s)
{
    gnutls_deinit(s->session);
    gnutls_certificate_free_credentials(s->credentials);
    bytes_clear(&s->in);
}

/* Whether a peer that takes everything, in that version alone, gets to see the certificate. */
static bool is_presented(const char *kind, gnutls_priority_t priority, bool accepting, const char *version)
{
    char all[80];
    gnutls_priority_t any;
    struct side we, peer;
    snprintf(all, sizeof(all), "NORMAL:-VERS-ALL:+VERS-%s:%%VERIFY_ALLOW_SIGN_WITH_SHA1", version);
    ck_assert_int_eq(gnutls_priority_init(&any, all, NULL), 0);
    open_side(&we, &peer, accepting ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT, priority, kind);
    open_side(&peer, &we, accepting ? GNUTLS_CLIENT : GNUTLS_SERVER, any, accepting ? kind : "rsa2048");
    for (int i = 0; i < 20 && (we.rc == GNUTLS_E_AGAIN || peer.rc == GNUTLS_E_AGAIN); i++) {
        if (we.rc == GNUTLS_E_AGAIN)
            we.rc = gnutls_handshake(we.session);
        if (peer.rc == GNUTLS_E_AGAIN)
            peer.rc = gnutls_handshake(peer.session);
    }
    unsigned n = 0;
    bool seen = we.rc == 0 && peer.rc == 0 && gnutls_certificate_get_peers(peer.session, &n) != NULL && n > 0;
    close_side(&we);
    close_side(&peer);
    gnutls_priority_deinit(any);
    return seen;
}

static const char *const priorities[] = {
    "NORMAL",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-EDDSA-ED448:-SIGN-ECDSA-SHA512",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ECDSA-SECP521R1-SHA512",
    "NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256",
    "NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-PSS-SHA384",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256:+SIGN-ECDSA-SHA256:+SIGN-ECDSA-SHA384",
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-ECDSA-SECP256R1-SHA256",
    "NORMAL:-SIGN-ALL:+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-EDDSA-ED25519:+SIGN-EDDSA-ED448",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-GROUP-SECP521R1",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA",
    "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA",
};

static bool allows(gnutls_priority_t priority, unsigned version)
{
    const unsigned *list;
    int n = gnutls_priority_protocol_list(priority, &list);
    for (int i = 0; i < n; i++)
        if (list[i] == version)
            return true;
    return false;
}

static void compare(const struct tls_key *key, const char *kind, gnutls_priority_t priority, const char *text)
{
    for (int accepting = 0; accepting < 2; accepting++) {
        struct err err = {0};
        bool fits = tls_key_check_priority(key, priority, accepting != 0, &err) == 0;
        bool seen = (!allows(priority, GNUTLS_TLS1_2) || is_presented(kind, priority, accepting != 0, "TLS1.2")) &&
                    (!allows(priority, GNUTLS_TLS1_3) || is_presented(kind, priority, accepting != 0, "TLS1.3"));
        bool strict = accepting == 0 && strstr(text, "-GROUP") != NULL; /* GnuTLS as the server is not */
        ck_assert_msg(fits == seen || (strict && !fits), "%s as a %s with %s: %s, but it is %spresented (%s)", kind, accepting ? "server" : "client", text,
                      fits ? "fits" : "does not fit", seen ? "" : "not ", err.text);
    }
}

START_TEST(says_what_the_library_does)
{
    struct tls_key key;
    if (kinds[_i].fault != NULL)
        return;
    read_key(kinds[_i].kind, &key);
    for (size_t i = 0; i < sizeof(priorities) / sizeof(priorities[0]); i++) {
        gnutls_priority_t priority;
        ck_assert_int_eq(gnutls_priority_init(&priority, priorities[i], NULL), 0);
        compare(&key, kinds[_i].kind, priority, priorities[i]);
        gnutls_priority_deinit(priority);
    }
}
END_TEST

START_TEST(the_priority_of_the_house_fits_every_kind)
{
    struct tls_key key;
    struct err err = {0};
    struct findings notes;
    if (kinds[_i].fault != NULL)
        return;
    findings_init(&notes);
    struct span text = text_of(kinds[_i].kind);
    read_key(kinds[_i].kind, &key);
    struct tls_identity_spec spec = {.name = "me", .certificate = text, .certificate_file = "me.pem", .key = text, .key_file = "me.pem"};
    struct tls_identity *id = tls_identity_new(&spec, 0, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    for (int only13 = 0; only13 < 2; only13++) {
        struct tls_context_spec of_ctx = {.accepting = true, .identity = id, .ask = TLS_ASK_NONE, .versions = only13 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL};
        struct tls_context *ctx = tls_context_new(&of_ctx, &err);
        ck_assert_msg(ctx != NULL, "%s", err.text);
        compare(&key, kinds[_i].kind, ctx->priority->set, "the default");
        tls_context_unref(ctx);
    }
    tls_identity_unref(id);
    certs_free(text);
    findings_clear(&notes);
}
END_TEST

START_TEST(a_context_without_a_way_to_sign_is_refused)
{
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    struct span text = text_of("p521");
    struct tls_identity_spec spec = {.name = "me", .certificate = text, .certificate_file = "me.pem", .key = text, .key_file = "me.pem"};
    struct tls_identity *id = tls_identity_new(&spec, 0, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    struct tls_context_spec of_ctx = {.accepting = true, .identity = id, .ask = TLS_ASK_NONE, .priority = "NORMAL:-SIGN-ECDSA-SECP521R1-SHA512"};
    ck_assert_ptr_null(tls_context_new(&of_ctx, &err));
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_str_eq(err.text, "priority does not let TLS 1.3 use the key of the identity (ECDSA P-521): add "
                               ":+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-ECDSA-SHA512:+GROUP-SECP521R1:+ECDHE-ECDSA to it, or leave it out");
    tls_identity_unref(id);
    certs_free(text);
    findings_clear(&notes);
}
END_TEST

Suite *suite(void)
{
    enum { N = sizeof(kinds) / sizeof(kinds[0]) };
    Suite *s = suite_create("tls_key");
    TCase *c = tcase_create("all");
    tcase_add_unchecked_fixture(c, make, clear);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_kind_has_its_name, 0, N);
    tcase_add_loop_test(c, a_public_key_alone_is_read_as_in_a_certificate, 0, N);
    tcase_add_loop_test(c, kinds_of_no_use_are_refused_in_words, 0, N);
    tcase_add_test(c, a_key_of_absurd_size_is_refused);
    tcase_add_test(c, names_kinds_that_the_library_does_not_know);
    tcase_add_loop_test(c, says_what_the_library_does, 0, N);
    tcase_add_loop_test(c, the_priority_of_the_house_fits_every_kind, 0, N);
    tcase_add_test(c, a_context_without_a_way_to_sign_is_refused);
    suite_add_tcase(s, c);
    return s;
}
