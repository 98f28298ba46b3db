/* SPDX-License-Identifier: Apache-2.0 */
/* F3: where a CA says that its list is: any bytes as the distribution points of a CA that signed itself. Each address that comes out stands in the
 * extension as it is, is one of those that GnuTLS sees there, and could not disturb a request line. */
#include "fuzz.h"

#include "judging.h"
#include "mtlsd/base/url.h"
#include "mtlsd/tls/tls_crl_urls.h"

#include <string.h>

struct seen {
    struct span value;
    const struct certs *ca;
    size_t n;
};

/* GnuTLS tells less: for some damage it reads nothing at all, and then there is nothing to compare with. */
static bool gnutls_sees(gnutls_x509_crt_t crt, struct span url)
{
    for (unsigned i = 0;; i++) {
        char name[2048];
        size_t size = sizeof(name);
        int rc = gnutls_x509_crt_get_crl_dist_points(crt, i, name, &size, NULL, NULL);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return i == 0;
        if (rc < 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
            return true;
        if (rc >= 0 && span_equals(span_of(name, size), url))
            return true;
    }
}

static void on_url(void *ctx, struct span url)
{
    struct seen *seen = ctx;
    seen->n++;
    assert(url_is_http(url));
    assert(memmem(seen->value.ptr, seen->value.len, url.ptr, url.len) != NULL);
    assert(gnutls_sees(seen->ca->crt, url));
    for (size_t i = 0; i < url.len; i++)
        assert(url.ptr[i] > 0x20 && url.ptr[i] < 0x7f && url.ptr[i] != '@' && url.ptr[i] != '"');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct certs key;
    struct certs ca;
    if (n == 0 || n > 4096)
        return 0;
    if (key.crt == NULL)
        certs_make(&(struct certs_order){.cn = "key", .key = CERTS_ED25519}, &key);
    struct span value = span_of(bytes, n);
    certs_make(&(struct certs_order){.cn = "Root", .ca = true, .same_key_as = &key, .extension = "2.5.29.31", .extension_value = value}, &ca);
    if (ca.crt != NULL) {
        struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&ca}});
        struct seen seen = {value, &ca, 0};
        tls_crl_urls_of_trust(trust, on_url, &seen);
        assert(seen.n <= n / 2);
        tls_trust_unref(trust);
    }
    certs_clear(&ca);
    return 0;
}
