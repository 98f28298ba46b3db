/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_csr.h"
#include "mtlsd/tls/tls_pki.h"
#include "mtlsd/tls/tls_request.h"
#include "t.h"

#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((int64_t)1800000000)
#define DAY ((int64_t)86400)
#define TEXT(bytes) bytes, sizeof(bytes) - 1

/* A request with a fault in it. */
struct fault {
    const char *cn;
    size_t cn_len;
    const char *oid, *value; /* an extension */
    size_t value_len;
    gnutls_pk_algorithm_t algorithm;
    unsigned bits;
    gnutls_digest_algorithm_t hash;
};

static char pem[16 * 1024];

static void sign_crq(gnutls_x509_crq_t crq, const struct fault *f)
{
    gnutls_x509_privkey_t key;
    bool plain = f->algorithm == GNUTLS_PK_UNKNOWN;
    size_t n = sizeof(pem) - 1;
    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_x509_privkey_generate(key, plain ? GNUTLS_PK_ECDSA : f->algorithm,
                                                  plain ? GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) : f->bits, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_set_version(crq, 1), 0);
    ck_assert_int_eq(gnutls_x509_crq_set_key(crq, key), 0);
    ck_assert_int_eq(gnutls_x509_crq_sign2(crq, key, f->hash != GNUTLS_DIG_UNKNOWN ? f->hash : GNUTLS_DIG_SHA256, 0), 0);
    ck_assert_int_eq(gnutls_x509_crq_export(crq, GNUTLS_X509_FMT_PEM, pem, &n), 0);
    pem[n] = '\0';
    gnutls_x509_privkey_deinit(key);
}

static struct span request(const struct fault *f)
{
    gnutls_x509_crq_t crq;
    ck_assert_int_eq(gnutls_x509_crq_init(&crq), 0);
    if (f->cn_len > 0)
        ck_assert_int_eq(gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0, f->cn, (unsigned)f->cn_len), 0);
    if (f->oid != NULL)
        ck_assert_int_eq(gnutls_x509_crq_set_extension_by_oid(crq, f->oid, f->value, f->value_len, 1), 0);
    sign_crq(crq, f);
    gnutls_x509_crq_deinit(crq);
    return span_from_str(pem);
}

static void refuses(struct span text, const char *says, const char *why)
{
    struct err err = {0};
    struct tls_csr *csr = tls_csr_read("a.csr", text, &err);
    if (csr != NULL && tls_csr_read_names(csr, &err) == 0)
        ck_abort_msg("%s: accepted", why);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s: %s", why, err.text);
    ck_assert_int_eq(memcmp(err.text, "a.csr:", 6), 0);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    tls_csr_free(csr);
}

static const struct {
    const char *why, *oid, *value;
    size_t len;
    const char *says; /* NULL: accepted */
} extensions[] = {
    {"no CA", "2.5.29.19", TEXT("\x30\x00"), NULL},
    {"CA:FALSE, written out", "2.5.29.19", TEXT("\x30\x03\x01\x01\x00"), NULL},
    {"CA:TRUE", "2.5.29.19", TEXT("\x30\x03\x01\x01\xff"), "asks for a CA certificate (CA:TRUE)"},
    {"a true value that DER does not have", "2.5.29.19", TEXT("\x30\x03\x01\x01\x01"), "asks for a CA certificate"},
    {"CA:TRUE with a path length", "2.5.29.19", TEXT("\x30\x06\x01\x01\xff\x02\x01\x00"), "asks for a CA certificate"},
    {"basicConstraints that end early", "2.5.29.19", TEXT("\x30\x03\x01\x01"), "basicConstraints is malformed"},
    {"a boolean without content", "2.5.29.19", TEXT("\x30\x02\x01\x00"), "basicConstraints is malformed"},
    {"basicConstraints and more", "2.5.29.19", TEXT("\x30\x00\x05\x00"), "basicConstraints is malformed"},
    {"digitalSignature", "2.5.29.15", TEXT("\x03\x02\x07\x80"), NULL},
    {"keyUsage without a bit", "2.5.29.15", TEXT("\x03\x01\x00"), NULL},
    {"keyCertSign", "2.5.29.15", TEXT("\x03\x02\x02\x04"), "keyCertSign"},
    {"cRLSign", "2.5.29.15", TEXT("\x03\x02\x01\x02"), "cRLSign"},
    {"keyCertSign and decipherOnly", "2.5.29.15", TEXT("\x03\x03\x07\x04\x80"), "keyCertSign"},
    {"keyUsage that is no bits", "2.5.29.15", TEXT("\x04\x02\x07\x80"), "keyUsage is malformed"},
    {"a purpose that is no OID", "2.5.29.37", TEXT("\x30\x02\x05\x00"), "extendedKeyUsage is malformed"},
    {"an unknown critical extension", "1.2.3.4", TEXT("\x05\x00"), NULL},
    {"a host name", "2.5.29.17", TEXT("\x30\x03\x82\x01" "a"), NULL},
    {"a host name with NUL", "2.5.29.17", TEXT("\x30\x05\x82\x03" "a\0b"), "its name dns:a?b is not a host name"},
    {"an address as a host name", "2.5.29.17", TEXT("\x30\x09\x82\x07" "1.2.3.4"), "dns:1.2.3.4 is not a host name"},
    {"an empty host name", "2.5.29.17", TEXT("\x30\x02\x82\x00"), "is not a host name"},
    {"a host name in UTF-8", "2.5.29.17", TEXT("\x30\x04\x82\x02\xc3\xbc"), "dns:?? is not a host name"},
    {"a star alone", "2.5.29.17", TEXT("\x30\x03\x82\x01*"), "is not a host name"},
    {"a terminal's escape", "2.5.29.17", TEXT("\x30\x05\x82\x03\x1b[2"), "dns:?[2 is not"},
    {"an address of 5 bytes", "2.5.29.17", TEXT("\x30\x07\x87\x05" "12345"), "an address of a strange length"},
    {"a directory name", "2.5.29.17", TEXT("\x30\x04\xa4\x02\x30\x00"), "is of another type than DNS"},
    {"a URI without a scheme", "2.5.29.17", TEXT("\x30\x05\x86\x03" "abc"), "uri:abc is not a URI"},
    {"a URI with a space", "2.5.29.17", TEXT("\x30\x06\x86\x04" "a:b "), "is not a URI"},
    {"a mail address without a host", "2.5.29.17", TEXT("\x30\x04\x81\x02" "a@"), "email:a@ is not a mail address"},
    {"names that end early", "2.5.29.17", TEXT("\x30\x09\x82\x01" "a"), "its names are malformed"},
};

START_TEST(reads_extensions_strictly)
{
    const struct fault f = {.cn = "a", .cn_len = 1, .oid = extensions[_i].oid, .value = extensions[_i].value, .value_len = extensions[_i].len};
    struct span text = request(&f);
    if (extensions[_i].says != NULL) {
        refuses(text, extensions[_i].says, extensions[_i].why);
        return;
    }
    struct err err = {0};
    struct tls_csr *csr = tls_csr_read("a.csr", text, &err);
    ck_assert_msg(csr != NULL && tls_csr_read_names(csr, &err) == 0, "%s: %s", extensions[_i].why, err.text);
    tls_csr_free(csr);
}
END_TEST

static const struct {
    const char *why;
    struct fault fault;
    const char *says;
} faults[] = {
    {"no name at all", {.cn_len = 0}, "it has no name, neither a CN nor a subjectAltName"},
    {"a CN with NUL", {.cn = "a\0b", .cn_len = 3}, "has control characters"},
    {"a CN with a line end", {.cn = "a\nb", .cn_len = 3}, "has control characters"},
    {"RSA 1024", {.cn = "a", .cn_len = 1, .algorithm = GNUTLS_PK_RSA, .bits = 1024}, "its key (RSA 1024) is too weak"},
    {"P-224", {.cn = "a", .cn_len = 1, .algorithm = GNUTLS_PK_ECDSA, .bits = GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP224R1)},
     "its key (ECDSA P-224) is of a kind"},
    {"DSA", {.cn = "a", .cn_len = 1, .algorithm = GNUTLS_PK_DSA, .bits = 2048}, "of a kind that TLS does not use here"},
    {"SHA-1", {.cn = "a", .cn_len = 1, .hash = GNUTLS_DIG_SHA1}, "is signed with SHA1, which is too weak"},
};

START_TEST(refuses_requests_that_no_certificate_should_come_from)
{
    refuses(request(&faults[_i].fault), faults[_i].says, faults[_i].why);
}
END_TEST

#define REQUESTED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"

/* Without a key, so that a well-formed one is refused for that. */
static const struct {
    const char *why, *der;
    size_t len;
    const char *says;
} lists[] = {
    {"one list of extensions", TEXT("\x30\x22\x30\x1a\x02\x01\0\x30\0\x30\0\xa0\x11\x30\x0f" REQUESTED "\x31\x02\x30\0\x30\0\x03\x02\0\0"), "its key (unknown)"},
    {"two of them", TEXT("\x30\x33\x30\x2b\x02\x01\0\x30\0\x30\0\xa0\x22\x30\x0f" REQUESTED "\x31\x02\x30\0\x30\x0f" REQUESTED "\x31\x02\x30\0\x30\0\x03\x02\0\0"),
     "is not a well-formed request"},
    {"two in one attribute", TEXT("\x30\x24\x30\x1c\x02\x01\0\x30\0\x30\0\xa0\x13\x30\x11" REQUESTED "\x31\x04\x30\0\x30\0\x30\0\x03\x02\0\0"),
     "is not a well-formed request"},
    {"an attribute that is none", TEXT("\x30\x13\x30\x0b\x02\x01\0\x30\0\x30\0\xa0\x02\x05\0\x30\0\x03\x02\0\0"), "is not a well-formed request"},
    {"version 1 by its number", TEXT("\x30\x0f\x30\x07\x02\x01\x01\x30\0\x30\0\x30\0\x03\x02\0\0"), "is not a well-formed request"},
    {"no attributes", TEXT("\x30\x0f\x30\x07\x02\x01\0\x30\0\x30\0\x30\0\x03\x02\0\0"), "its key (unknown)"},
};

/* Of two lists programs could read different ones. */
START_TEST(refuses_a_second_list_of_extensions)
{
    const gnutls_datum_t der = {(unsigned char *)(uintptr_t)lists[_i].der, (unsigned)lists[_i].len};
    gnutls_datum_t out;
    ck_assert_int_eq(gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &out), 0);
    refuses(span_of(out.data, out.size), lists[_i].says, lists[_i].why);
    gnutls_free(out.data);
}
END_TEST

START_TEST(refuses_two_common_names)
{
    gnutls_x509_crq_t crq;
    const struct fault none = {0};
    ck_assert_int_eq(gnutls_x509_crq_init(&crq), 0);
    ck_assert_int_eq(gnutls_x509_crq_set_dn(crq, "CN=a,CN=b", NULL), 0);
    sign_crq(crq, &none);
    gnutls_x509_crq_deinit(crq);
    refuses(span_from_str(pem), "several CNs", "two");
}
END_TEST

/* Every bit of the request counts: with one changed it is not accepted. */
START_TEST(refuses_a_request_with_one_bit_changed)
{
    const struct fault f = {.cn = "abc", .cn_len = 3};
    struct span text = request(&f);
    gnutls_datum_t in = {(unsigned char *)pem, (unsigned)text.len}, der, out;
    ck_assert_int_eq(gnutls_pem_base64_decode2(NULL, &in, &der), 0);
    for (unsigned i = 0; i < der.size; i++) {
        struct err err = {0};
        der.data[i] ^= 1;
        ck_assert_int_eq(gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &out), 0);
        ck_assert_msg(tls_csr_read("a.csr", span_of(out.data, out.size), &err) == NULL, "byte %u", i);
        gnutls_free(out.data);
        der.data[i] ^= 1;
    }
    gnutls_free(der.data);
}
END_TEST

START_TEST(refuses_a_request_that_is_cut_anywhere_or_goes_on)
{
    const struct fault f = {.cn = "abc", .cn_len = 3};
    struct span text = request(&f);
    gnutls_datum_t in = {(unsigned char *)pem, (unsigned)text.len}, der, out;
    ck_assert_int_eq(gnutls_pem_base64_decode2(NULL, &in, &der), 0);
    unsigned whole = der.size;
    der.data = gnutls_realloc(der.data, whole + 1);
    der.data[whole] = 0;
    for (der.size = 1; der.size <= whole + 1; der.size++) {
        struct err err = {0};
        ck_assert_int_eq(gnutls_pem_base64_encode2("CERTIFICATE REQUEST", &der, &out), 0);
        struct tls_csr *csr = tls_csr_read("a.csr", span_of(out.data, out.size), &err);
        ck_assert_msg((csr != NULL) == (der.size == whole), "%u bytes of %u", der.size, whole);
        tls_csr_free(csr);
        gnutls_free(out.data);
    }
    gnutls_free(der.data);
}
END_TEST

static struct tls_pki_pair ca;

static void make_ca(void)
{
    struct err err = {0};
    ck_assert_msg(tls_pki_new_ca("test CA", NOW - DAY, NOW + 365 * DAY, &ca, &err) == 0, "%s", err.text);
}

static void drop_ca(void)
{
    tls_pki_pair_clear(&ca);
}

START_TEST(says_what_another_file_is)
{
    static char two[2 * sizeof(pem)];
    const struct fault f = {.cn = "a", .cn_len = 1};
    struct span text = request(&f);
    memcpy(two, text.ptr, text.len);
    memcpy(two + text.len, text.ptr, text.len + 1);
    refuses(bytes_span(&ca.key), "this is a private key, which must stay where it is", "a key");
    refuses(bytes_span(&ca.certificate), "this is a certificate already", "a certificate");
    refuses(span_from_str(two), "there is a second PEM block", "two requests");
    refuses(span_from_str("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n"), "a block of kind X509 CRL is not a request", "a list");
    refuses(span_of("\x30\x82\x01\x00\x00", 5), "looks like DER", "DER");
    refuses(span_from_str(""), "the file is empty", "nothing");
    refuses(span_from_str("hello"), "no PEM block", "text");
    refuses(span_from_str("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), "is not a well-formed request", "rubbish");
}
END_TEST

static const struct {
    const char *value;
    size_t len;
    enum tls_csr_purpose purpose;
} purposes[] = {
    {TEXT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02"), TLS_CSR_CLIENT},
    {TEXT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"), TLS_CSR_SERVER},
    {TEXT("\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x03"), TLS_CSR_UNCLEAR},
    {TEXT("\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02"), TLS_CSR_UNCLEAR},
    {TEXT("\x30\x00"), TLS_CSR_UNCLEAR},
};

START_TEST(tells_a_purpose_only_if_there_is_one)
{
    const struct fault f = {.cn = "a", .cn_len = 1, .oid = "2.5.29.37", .value = purposes[_i].value, .value_len = purposes[_i].len};
    struct err err = {0};
    struct tls_csr *csr = tls_csr_read("a.csr", request(&f), &err);
    ck_assert_msg(csr != NULL, "%s", err.text);
    ck_assert_int_eq(tls_csr_purpose(csr), purposes[_i].purpose);
    tls_csr_free(csr);
}
END_TEST

static gnutls_x509_crt_t sign(struct span text, struct tls_csr_grant grant)
{
    struct bytes out;
    struct err err = {0};
    gnutls_x509_crt_t crt;
    struct tls_csr *csr = tls_csr_read("a.csr", text, &err);
    ck_assert_msg(csr != NULL && tls_csr_read_names(csr, &err) == 0, "%s", err.text);
    grant.not_before = NOW - DAY;
    grant.not_after = NOW + DAY;
    grant.serial = 0x1001;
    ck_assert_msg(tls_csr_sign(csr, bytes_span(&ca.certificate), bytes_span(&ca.key), &grant, &out, &err) == 0, "%s", err.text);
    gnutls_datum_t got = {out.data + out.head, (unsigned)out.len};
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &got, GNUTLS_X509_FMT_PEM), 0);
    bytes_clear(&out);
    tls_csr_free(csr);
    return crt;
}

START_TEST(copies_no_extension_that_it_does_not_know)
{
    static const char *const expected[] = {"2.5.29.19", "2.5.29.15", "2.5.29.37", "2.5.29.14", "2.5.29.35"};
    const struct fault f = {.cn = "a", .cn_len = 1, .oid = "1.2.3.4", .value = "\x05", .value_len = 2};
    gnutls_x509_crt_t crt = sign(request(&f), (struct tls_csr_grant){.client = true});
    char oid[64];
    unsigned n = 0, critical;
    for (; n < 6; n++) {
        size_t size = sizeof(oid);
        if (gnutls_x509_crt_get_extension_info(crt, n, oid, &size, &critical) != 0)
            break;
        ck_assert_str_eq(oid, expected[n]);
    }
    ck_assert_uint_eq(n, 5);
    gnutls_x509_crt_deinit(crt);
}
END_TEST

static const char *const sans[] = {"dns:a.example", "ip:127.0.0.1", "uri:spiffe://x/y", "email:a@b.example"};

/* The names of the request, or those given instead. */
START_TEST(takes_subject_key_and_names)
{
    static const char *const others[] = {"dns:b.example"};
    struct tls_request_order order = {.cn = "leaf", .o = "org", .sans = sans, .n_sans = 4, .server = true, .rsa = false};
    struct bytes csr, key;
    struct err err = {0};
    ck_assert_int_eq(tls_request_new(&order, &csr, &key, &err), 0);
    gnutls_x509_crt_t crt = sign(bytes_span(&csr), (struct tls_csr_grant){.server = true, .client = true, .sans = others, .n_sans = _i == 0 ? 0 : 1});
    char text[128];
    size_t n = sizeof(text);
    ck_assert_int_eq(gnutls_x509_crt_get_dn(crt, text, &n), 0);
    ck_assert_str_eq(text, "O=org,CN=leaf");
    n = sizeof(text);
    ck_assert_int_eq(gnutls_x509_crt_get_subject_alt_name(crt, 0, text, &n, NULL), GNUTLS_SAN_DNSNAME);
    ck_assert_int_eq(text[0], _i == 0 ? 'a' : 'b');
    n = sizeof(text);
    int second = gnutls_x509_crt_get_subject_alt_name(crt, 3, text, &n, NULL);
    ck_assert_int_eq(second, _i == 0 ? GNUTLS_SAN_RFC822NAME : GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
    gnutls_x509_crt_deinit(crt);
    bytes_clear(&csr);
    bytes_wipe(&key);
}
END_TEST

/* RFC 5280 4.2.1.6 */
START_TEST(names_are_critical_where_the_subject_is_empty)
{
    struct tls_request_order order = {.cn = _i == 0 ? "" : "a", .sans = sans, .n_sans = 1};
    struct bytes csr, key;
    struct err err = {0};
    ck_assert_int_eq(tls_request_new(&order, &csr, &key, &err), 0);
    gnutls_x509_crt_t crt = sign(bytes_span(&csr), (struct tls_csr_grant){.client = true});
    gnutls_datum_t names;
    unsigned critical = 9;
    ck_assert_int_eq(gnutls_x509_crt_get_extension_by_oid2(crt, "2.5.29.17", 0, &names, &critical), 0);
    ck_assert_uint_eq(critical, (unsigned)(_i == 0));
    gnutls_free(names.data);
    gnutls_x509_crt_deinit(crt);
    bytes_clear(&csr);
    bytes_wipe(&key);
}
END_TEST

START_TEST(refuses_the_name_of_the_ca_itself)
{
    struct tls_request_order order = {.cn = "test CA"};
    const struct tls_csr_grant grant = {.client = true, .not_before = NOW, .not_after = NOW + DAY, .serial = 7};
    struct bytes text, key, out;
    struct err err = {0};
    ck_assert_int_eq(tls_request_new(&order, &text, &key, &err), 0);
    struct tls_csr *csr = tls_csr_read("a.csr", bytes_span(&text), &err);
    ck_assert_msg(csr != NULL, "%s", err.text);
    ck_assert_int_ne(tls_csr_sign(csr, bytes_span(&ca.certificate), bytes_span(&ca.key), &grant, &out, &err), 0);
    ck_assert_msg(strstr(err.text, "its subject is the name of this CA") != NULL, "%s", err.text);
    ck_assert_ptr_null(out.data);
    tls_csr_free(csr);
    bytes_clear(&text);
    bytes_wipe(&key);
}
END_TEST

#define ROWS(table) (int)(sizeof(table) / sizeof((table)[0]))

Suite *suite(void)
{
    Suite *s = suite_create("tls_csr");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make_ca, drop_ca);
    tcase_add_loop_test(t, reads_extensions_strictly, 0, ROWS(extensions));
    tcase_add_loop_test(t, refuses_requests_that_no_certificate_should_come_from, 0, ROWS(faults));
    tcase_add_loop_test(t, refuses_a_second_list_of_extensions, 0, ROWS(lists));
    tcase_add_test(t, refuses_two_common_names);
    tcase_add_test(t, refuses_a_request_with_one_bit_changed);
    tcase_add_test(t, refuses_a_request_that_is_cut_anywhere_or_goes_on);
    tcase_add_test(t, says_what_another_file_is);
    tcase_add_loop_test(t, tells_a_purpose_only_if_there_is_one, 0, ROWS(purposes));
    tcase_add_test(t, copies_no_extension_that_it_does_not_know);
    tcase_add_loop_test(t, takes_subject_key_and_names, 0, 2);
    tcase_add_loop_test(t, names_are_critical_where_the_subject_is_empty, 0, 2);
    tcase_add_test(t, refuses_the_name_of_the_ca_itself);
    suite_add_tcase(s, t);
    return s;
}
