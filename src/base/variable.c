/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/variable.h"

#include "mtlsd/base/text.h"

#include <assert.h>
#include <string.h>

static const struct variable_row rows[] = {
    [VARIABLE_CERT_STATUS] = {"cert.status", VARIABLE_TEXT, VARIABLE_OF_CERT,
                              "Status of the client's certificate, a word of REASONS. A tolerated certificate with several faults has all words: expired,wrong_purpose."},
    [VARIABLE_CERT_ERROR] = {"cert.error", VARIABLE_TEXT, VARIABLE_OF_CERT,
                             "OpenSSL's number for the status: 0 for a valid certificate, 10 for an expired one, 1 without a certificate."},
    [VARIABLE_CERT_VERIFY] = {"cert.verify", VARIABLE_TEXT, VARIABLE_OF_CERT,
                              "The status as Apache's SSL_CLIENT_VERIFY: SUCCESS, NONE, or FAILED: and the words of cert.status."},
    [VARIABLE_CERT_SUBJECT] = {"cert.subject", VARIABLE_DN, VARIABLE_OF_CERT, "Subject, RFC 4514 text."},
    [VARIABLE_CERT_CN] = {"cert.cn", VARIABLE_TEXT, VARIABLE_OF_CERT, "Common name of the subject. No value if there are several."},
    [VARIABLE_CERT_ISSUER] = {"cert.issuer", VARIABLE_DN, VARIABLE_OF_CERT, "Issuer, RFC 4514 text."},
    [VARIABLE_CERT_SERIAL] = {"cert.serial", VARIABLE_TEXT, VARIABLE_OF_CERT, "Serial number, lower-case hex."},
    [VARIABLE_CERT_SHA256] = {"cert.sha256", VARIABLE_TEXT, VARIABLE_OF_CERT, "SHA-256 of the certificate, lower-case hex."},
    [VARIABLE_CERT_SHA1] = {"cert.sha1", VARIABLE_TEXT, VARIABLE_OF_CERT,
                            "SHA-1 of the certificate, lower-case hex, for backends that still compare it. Prefer cert.sha256."},
    [VARIABLE_CERT_SAN] = {"cert.san", VARIABLE_LIST, VARIABLE_OF_CERT, "All names of subjectAltName, as in DNS:a.example, URI:spiffe://example/a."},
    [VARIABLE_CERT_URI] = {"cert.uri", VARIABLE_TEXT, VARIABLE_OF_CERT, "First URI of subjectAltName."},
    [VARIABLE_CERT_NOT_BEFORE] = {"cert.not_before", VARIABLE_TEXT, VARIABLE_OF_CERT, "Start of validity, as in 2026-01-31T23:59:59Z."},
    [VARIABLE_CERT_NOT_AFTER] = {"cert.not_after", VARIABLE_TEXT, VARIABLE_OF_CERT, "End of validity."},
    [VARIABLE_CERT_PEM] = {"cert.pem", VARIABLE_PEM, VARIABLE_OF_CERT, "The certificate as PEM, if it is valid. URL-encoded in header fields."},
    [VARIABLE_CERT_DER] = {"cert.der", VARIABLE_TEXT, VARIABLE_OF_CERT, "The certificate as base64 of its DER, if it is valid."},
    [VARIABLE_REGISTRY] = {"registry.", VARIABLE_TEXT, VARIABLE_OF_CERT,
                           "Owner, note or an attribute of the certificate's row in the registry, as in registry.owner."},
    [VARIABLE_TLS_VERSION] = {"tls.version", VARIABLE_TEXT, VARIABLE_OF_TLS, "TLS version as Apache's SSL_PROTOCOL: TLSv1.3."},
    [VARIABLE_TLS_CIPHER] = {"tls.cipher", VARIABLE_TEXT, VARIABLE_OF_TLS,
                             "Cipher suite as Apache's SSL_CIPHER: TLS_AES_256_GCM_SHA384, or ECDHE-RSA-AES256-GCM-SHA384 with TLS 1.2."},
    [VARIABLE_TLS_SNI] = {"tls.sni", VARIABLE_TEXT, VARIABLE_OF_TLS, "Server name that the client sent."},
    [VARIABLE_TLS_RESUMED] = {"tls.resumed", VARIABLE_TEXT, VARIABLE_OF_TLS, "true if the TLS session was resumed, otherwise false."},
    [VARIABLE_CLIENT_ADDRESS] = {"client.address", VARIABLE_TEXT, VARIABLE_OF_ALL, "Address of the client; unix for a unix socket."},
    [VARIABLE_CLIENT_PORT] = {"client.port", VARIABLE_TEXT, VARIABLE_OF_ALL, "Port of the client."},
    [VARIABLE_REQUEST_METHOD] = {"request.method", VARIABLE_TEXT, VARIABLE_OF_ALL, "Method."},
    [VARIABLE_REQUEST_HOST] = {"request.host", VARIABLE_HOST, VARIABLE_OF_ALL, "Host of the request without its port. No value if it is not well-formed."},
    [VARIABLE_REQUEST_PATH] = {"request.path", VARIABLE_TARGET, VARIABLE_OF_ALL, "Path that routes compare: without the query, before strip_prefix."},
    [VARIABLE_REQUEST_URI] = {"request.uri", VARIABLE_TARGET, VARIABLE_OF_ALL, "The same path with the query."},
    [VARIABLE_REQUEST_ID] = {"request.id", VARIABLE_TEXT, VARIABLE_OF_ALL, "Id of the request: 32 random hex digits, or the one of a trusted proxy (REQUEST IDS). The log has it as request_id."},
    [VARIABLE_LISTENER] = {"listener", VARIABLE_TEXT, VARIABLE_OF_ALL, "Name of the listener."},
    [VARIABLE_ROUTE] = {"route", VARIABLE_TEXT, VARIABLE_OF_ALL, "File and line of the route."},
    [VARIABLE_TIME] = {"time", VARIABLE_TEXT, VARIABLE_OF_LOG, "Time of the line, as in 2026-01-31T23:59:59Z."},
    [VARIABLE_TIME_CLF] = {"time.clf", VARIABLE_TEXT, VARIABLE_OF_LOG, "The same as web servers write it: 31/Jan/2026:23:59:59 +0000."},
    [VARIABLE_STATUS] = {"status", VARIABLE_TEXT, VARIABLE_OF_LOG, "Status code that the client got."},
    [VARIABLE_REASON] = {"reason", VARIABLE_TEXT, VARIABLE_OF_LOG, "Why the request was refused or failed, a word of REASONS; valid if it was not."},
    [VARIABLE_UPSTREAM] = {"upstream", VARIABLE_TEXT, VARIABLE_OF_LOG, "Name of the upstream."},
    [VARIABLE_TARGET_ADDRESS] = {"target", VARIABLE_TEXT, VARIABLE_OF_LOG, "Address of the target."},
    [VARIABLE_BYTES_IN] = {"bytes.in", VARIABLE_TEXT, VARIABLE_OF_LOG, "Bytes of content from the client."},
    [VARIABLE_BYTES_OUT] = {"bytes.out", VARIABLE_TEXT, VARIABLE_OF_LOG, "Bytes of content to the client."},
    [VARIABLE_DURATION] = {"duration", VARIABLE_TEXT, VARIABLE_OF_LOG, "Milliseconds from the head of the request to its end, as in 12.345."},
    [VARIABLE_CLIENT_FORWARDED] = {"client.forwarded", VARIABLE_TEXT, VARIABLE_OF_LOG, "Client that a trusted proxy names (forwarded_for)."},
    [VARIABLE_REQUEST_PROTOCOL] = {"request.protocol", VARIABLE_TEXT, VARIABLE_OF_LOG, "HTTP/1.0, HTTP/1.1 or HTTP/2.0."},
    [VARIABLE_REQUEST_REFERER] = {"request.referer", VARIABLE_TEXT, VARIABLE_OF_LOG, "Value of Referer."},
    [VARIABLE_REQUEST_USER_AGENT] = {"request.user_agent", VARIABLE_TEXT, VARIABLE_OF_LOG, "Value of User-Agent."},
    [VARIABLE_REQUEST_TRACEPARENT] = {"request.traceparent", VARIABLE_TEXT, VARIABLE_OF_LOG, "Value of traceparent, if it is well-formed."},
};
static_assert(sizeof(rows) / sizeof(rows[0]) == VARIABLE_COUNT, "a row for each");

const struct variable_row *variable_row(enum variable v)
{
    return &rows[v];
}

bool variable_find(struct span word, enum variable *out, struct span *name)
{
    for (unsigned i = 0; i < VARIABLE_COUNT; i++) {
        size_t n = strlen(rows[i].word);
        bool family = rows[i].word[n - 1] == '.';
        if (word.len < n || memcmp(word.ptr, rows[i].word, n) != 0 || (word.len > n) != family)
            continue;
        *out = (enum variable)i;
        *name = span_skip(word, n);
        return true;
    }
    return false;
}

const char *variable_suggest(const char *word)
{
    const char *words[VARIABLE_COUNT];
    for (unsigned i = 0; i < VARIABLE_COUNT; i++)
        words[i] = rows[i].word;
    return text_suggest(word, words, VARIABLE_COUNT);
}
