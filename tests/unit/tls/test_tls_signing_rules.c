/* SPDX-License-Identifier: Apache-2.0 */
/* E4: the process that holds keys signs handshakes, not other things. */
#include "t.h"

#include "tls_internal.h"

#include <string.h>

#define SPACES "                                                                " /* 64 */
#define RANDOMS "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HASH32 "0123456789abcdef0123456789abcdef"
#define HASH48 HASH32 "0123456789abcdef"
#define SERVER "TLS 1.3, server CertificateVerify"
#define CLIENT "TLS 1.3, client CertificateVerify"
#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *data;
    size_t n;
    bool taken;
    const char *why;
} data[] = {
    {TEXT(SPACES SERVER "\0" HASH32), true, "a server of TLS 1.3 with SHA-256"},
    {TEXT(SPACES CLIENT "\0" HASH48), true, "a client of TLS 1.3 with SHA-384"},
    {TEXT(SPACES CLIENT "\0" HASH32 "x"), false, "a byte more"},
    {TEXT(SPACES CLIENT " " HASH32), false, "no zero byte behind the context"},
    {TEXT(SPACES "TLS 1.3, other CertificateVerify\0" HASH32), false, "a context that TLS does not know"},
    {TEXT("x" SPACES CLIENT "\0" HASH32), false, "a byte before the spaces"},
    {TEXT(RANDOMS "\x03\x00\x1d\x03" "abc"), true, "a server of TLS 1.2, with a named curve"},
    {TEXT(RANDOMS "\x03\x00\x1d\x03" "abcd"), false, "a byte behind the point"},
    {TEXT(RANDOMS "\x03\x00\x1d\x00"), false, "no point"},
    {TEXT(RANDOMS "\x00\x01p\x00\x01g\x00\x02ys"), true, "a server of TLS 1.2, with Diffie-Hellman"},
    {TEXT(RANDOMS "\x00\x01p\x00\x01g"), false, "two numbers of three"},
    {TEXT(RANDOMS "\x00\x01p\x00\x01g\xff\xff" "y"), false, "a number that is longer than the text"},
    {TEXT(RANDOMS), false, "randoms alone"},
    {TEXT("\x01\x00\x00\x01" "c" "\x02\x00\x00\x01" "s" "\x10\x00\x00\x02" "kx"), true, "a client of TLS 1.2"},
    {TEXT("\x01\x00\x00\x01" "c" "\x02\x00\x00\x01" "s"), false, "without the key exchange"},
    {TEXT("\x01\x00\x00\x01" "c" "\x14\x00\x00\x01" "s" "\x10\x00\x00\x02" "kx"), false, "with a message that cannot come before"},
    {TEXT("\x02\x00\x00\x01" "s" "\x10\x00\x00\x02" "kx"), false, "without a ClientHello"},
    {TEXT("\x01\x00\x00\x01" "c" "\x10\x00\x00\x03" "kx"), false, "a message that is cut"},
    {TEXT("\x01\x00"), false, "a header that is cut"},
    {TEXT("{\"alg\":\"EdDSA\"}.{\"sub\":\"admin\"}"), false, "a token"},
    {TEXT(""), false, "nothing"},
};

START_TEST(data_must_be_of_a_handshake)
{
    static const gnutls_sign_algorithm_t algorithms[] = {GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_SIGN_EDDSA_ED448};
    for (size_t i = 0; i < 2; i++) {
        struct tls_signing what = {(int)algorithms[i], false, span_of(data[_i].data, data[_i].n)};
        const char *refusal = tls_signing_refusal(&what);
        ck_assert_msg((refusal == NULL) == data[_i].taken, "%s: %s", data[_i].why, refusal);
    }
}
END_TEST

#define INFO256 "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
#define INFO384 "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
#define INFO1 "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"

static const struct {
    int algorithm;
    const char *hash;
    size_t n;
    bool taken;
    const char *why;
} hashes[] = {
    {GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, TEXT(HASH32), true, "ECDSA in TLS 1.3"},
    {GNUTLS_SIGN_ECDSA_SHA384, TEXT(HASH48), true, "ECDSA in TLS 1.2"},
    {GNUTLS_SIGN_ECDSA_SHA256, TEXT(HASH48), false, "a hash of another size"},
    {GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, TEXT(HASH32), true, "RSA-PSS with a plain key"},
    {GNUTLS_SIGN_RSA_PSS_SHA384, TEXT(HASH48), true, "RSA-PSS with a key of its own"},
    {GNUTLS_SIGN_RSA_PSS_SHA384, TEXT(""), false, "no hash"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(INFO256 HASH32), true, "PKCS #1 with SHA-256"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(INFO384 HASH48), true, "PKCS #1 with SHA-384"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(INFO1 "0123456789abcdef0123"), true, "PKCS #1 with SHA-1, which a priority may allow"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(INFO256 HASH48), false, "another size than its DigestInfo says"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(HASH32), false, "no DigestInfo"},
    {GNUTLS_SIGN_RSA_RAW, TEXT(""), false, "nothing"},
    {GNUTLS_SIGN_EDDSA_ED25519, TEXT(HASH32), false, "EdDSA takes no hash"},
    {GNUTLS_SIGN_RSA_MD5, TEXT("0123456789abcdef"), false, "MD5"},
    {GNUTLS_SIGN_DSA_SHA256, TEXT(HASH32), false, "a kind of key that is not accepted"},
    {-1, TEXT(HASH32), false, "no algorithm"},
    {12345, TEXT(HASH32), false, "no algorithm that is known"},
};

START_TEST(a_hash_must_be_one_of_its_algorithm)
{
    struct tls_signing what = {hashes[_i].algorithm, true, span_of(hashes[_i].hash, hashes[_i].n)};
    const char *refusal = tls_signing_refusal(&what);
    ck_assert_msg((refusal == NULL) == hashes[_i].taken, "%s: %s", hashes[_i].why, refusal);
}
END_TEST

/* The library hashes for the other kinds itself; what is handed over as data would be hashed again. */
START_TEST(other_kinds_take_no_data)
{
    struct tls_signing what = {GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, false, span_of(data[0].data, data[0].n)};
    ck_assert_ptr_nonnull(tls_signing_refusal(&what));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_signing_rules");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, data_must_be_of_a_handshake, 0, sizeof(data) / sizeof(data[0]));
    tcase_add_loop_test(c, a_hash_must_be_one_of_its_algorithm, 0, sizeof(hashes) / sizeof(hashes[0]));
    tcase_add_test(c, other_kinds_take_no_data);
    suite_add_tcase(s, c);
    return s;
}
