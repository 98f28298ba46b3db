/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/renewal_answer.h"

#include "mtlsd/tls/tls_renewal.h"

#include <jansson.h>
#include <string.h>

enum { REQUEST_MAX = 256 * 1024, SHOWN = 120, CHAIN_MAX = 10 };

/* ---- the question ---- */

/* {"csr": "PEM"}: its lines are all that has to be written in another way. */
static int step_body(struct span der, struct bytes *out, struct err *err)
{
    struct bytes pem;
    bytes_init(&pem, REQUEST_MAX);
    int rc = tls_renewal_write_request(der, true, &pem, err);
    bytes_append_str(out, "{\"csr\":\"");
    for (size_t i = 0; rc == 0 && i < pem.len; i++) {
        const uint8_t *c = bytes_span(&pem).ptr + i;
        if (*c == '\n')
            bytes_append_str(out, "\\n");
        else
            bytes_append(out, c, 1);
    }
    bytes_clear(&pem);
    return bytes_append_str(out, "\"}") != 0 && rc == 0 ? err_set(err, ERR_MEMORY, "out of memory") : rc;
}

int renewal_answer_ask(const struct renewal_question *q, struct bytes *out, struct err *err)
{
    struct bytes body;
    bool est = q->kind == RENEWAL_EST;
    bytes_init(&body, REQUEST_MAX);
    bytes_init(out, REQUEST_MAX + 4096);
    int rc = est ? tls_renewal_write_request(q->request, false, &body, err) : step_body(q->request, &body, err);
    bytes_printf(out, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: mtlsd\r\nAccept: %s\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", q->path,
                 q->host, est ? "application/pkcs7-mime" : "application/json", est ? "application/pkcs10" : "application/json",
                 est ? "Content-Transfer-Encoding: base64\r\n" : "", body.len);
    bytes_append_span(out, bytes_span(&body));
    bytes_clear(&body);
    if (rc == 0 && out->failed)
        rc = err_set(err, ERR_MEMORY, "out of memory");
    if (rc != 0)
        bytes_clear(out);
    return rc;
}

/* ---- the answer ---- */

/* "application/pkcs7-mime; smime-type=certs-only" is of the type in front. */
static bool is_type(const char *given, const char *type)
{
    size_t n = strcspn(given, "; ");
    return span_equals_nocase_str(span_of(given, n), type);
}

/* The printable part of a body, for people: a terminal would act on the rest. */
static void show(const struct bytes *body, char out[SHOWN + 1])
{
    size_t n = 0;
    struct span s = bytes_span(body);
    for (size_t i = 0; i < s.len && n < SHOWN; i++)
        if (s.ptr[i] >= ' ' && s.ptr[i] < 0x7f)
            out[n++] = (char)s.ptr[i];
    out[n] = '\0';
}

static int refuse_status(enum renewal_kind kind, const struct renewal_reply *reply, struct err *err)
{
    char text[SHOWN + 1];
    show(&reply->body, text);
    const char *more = text[0] != '\0' ? ": " : "";
    if (reply->status >= 300 && reply->status < 400)
        return err_set(err, ERR_PROTOCOL, "the CA answered with a redirect (%u), which is not followed: name the address that it leads to", reply->status);
    if (reply->status == 401 || reply->status == 403)
        return err_set(err, ERR_PROTOCOL, "the CA does not accept the certificate in use for a renewal (%u)%s%s", reply->status, more, text);
    if (kind == RENEWAL_STEP && (reply->status == 404 || reply->status == 405))
        return err_set(err, ERR_PROTOCOL, "the server has no /1.0/rekey (%u): check the address, or use a version of step-ca from 0.15 on", reply->status);
    return err_set(err, ERR_PROTOCOL, "the CA answered with status %u%s%s", reply->status, more, text);
}

static bool add_certificate(const json_t *text, struct bytes *pem)
{
    const char *value = json_string_value(text);
    if (value == NULL || strlen(value) != json_string_length(text))
        return false;
    bytes_append_str(pem, value);
    return bytes_append_str(pem, "\n") == 0;
}

/* {"crt": PEM, "ca": PEM, "certChain": [PEM, ...]}, where the last one is there in newer versions. */
static int read_step(const struct renewal_reply *reply, struct bytes *pem, struct err *err)
{
    struct span body = bytes_span(&reply->body);
    json_t *document = json_loadb((const char *)body.ptr, body.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *chain = json_object_get(document, "certChain");
    size_t n = json_array_size(chain);
    bool good = n <= CHAIN_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = add_certificate(json_array_get(chain, i), pem);
    if (good && n == 0) {
        const json_t *ca = json_object_get(document, "ca");
        good = add_certificate(json_object_get(document, "crt"), pem) && (ca == NULL || add_certificate(ca, pem));
    }
    json_decref(document);
    return good ? 0 : err_set(err, ERR_PROTOCOL, "the answer is no JSON object with the certificate in \"crt\" or \"certChain\"");
}

static int read_body(enum renewal_kind kind, const struct renewal_reply *reply, struct bytes *pem, struct err *err)
{
    const char *type = kind == RENEWAL_EST ? "application/pkcs7-mime" : "application/json";
    if (!is_type(reply->type, type))
        return err_set(err, ERR_PROTOCOL, "the answer has Content-Type \"%s\", where %s is expected", reply->type, type);
    if (kind == RENEWAL_EST)
        return tls_renewal_read_pkcs7(bytes_span(&reply->body), pem, err);
    bytes_init(pem, 4 * TLS_RENEWAL_ANSWER_MAX);
    int rc = read_step(reply, pem, err);
    if (rc != 0)
        bytes_clear(pem);
    return rc;
}

enum renewal_outcome renewal_answer_read(enum renewal_kind kind, const struct renewal_reply *reply, struct bytes *pem, struct err *err)
{
    *pem = (struct bytes){0};
    if (reply->status == 202) {
        (void)err_set(err, ERR_PROTOCOL, "the CA has not decided yet (202)");
        return RENEWAL_LATER;
    }
    bool fine = reply->status == 200 || (kind == RENEWAL_STEP && reply->status == 201);
    int rc = fine ? read_body(kind, reply, pem, err) : refuse_status(kind, reply, err);
    return rc == 0 ? RENEWAL_ANSWERED : RENEWAL_REFUSED;
}
