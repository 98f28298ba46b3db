/* SPDX-License-Identifier: Apache-2.0 */
#include "raw_tls.h"

#include <check.h>
#include <errno.h>
#include <string.h>

enum { QUEUE_MAX = 64 * 1024 * 1024 };

static ssize_t pull(gnutls_transport_ptr_t ptr, void *buf, size_t size)
{
    struct raw_tls *r = ptr;
    size_t n = r->in.len < size ? r->in.len : size;
    if (n == 0) {
        gnutls_transport_set_errno(r->session, EAGAIN);
        return -1;
    }
    memcpy(buf, bytes_span(&r->in).ptr, n);
    bytes_consume(&r->in, n);
    return (ssize_t)n;
}

static int pull_timeout(gnutls_transport_ptr_t ptr, unsigned ms)
{
    struct raw_tls *r = ptr;
    (void)ms;
    return r->in.len > 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t size)
{
    struct raw_tls *r = ptr;
    ck_assert_int_eq(bytes_append(&r->out, data, size), 0);
    return (ssize_t)size;
}

static void load_pair(struct raw_tls *r, const struct tls_pki_pair *ca, bool server)
{
    static const char *const sans[] = {"dns:" WIRE_NAME};
    struct tls_pki_pair pair = {0};
    struct err err = {0};
    struct tls_pki_order order = {
        .cn = server ? "server" : "client",
        .sans = sans,
        .n_sans = server ? 1 : 0,
        .purpose = server ? TLS_PURPOSE_SERVER : TLS_PURPOSE_CLIENT,
        .not_before = WIRE_NOW - 30 * WIRE_DAY,
        .not_after = (int64_t)WIRE_NOW + 300 * WIRE_DAY,
    };
    int rc = tls_pki_issue(bytes_span(&ca->certificate), bytes_span(&ca->key), &order, server ? WIRE_SERVER_SERIAL : WIRE_CLIENT_SERIAL, &pair, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    gnutls_datum_t cert = {pair.certificate.data + pair.certificate.head, (unsigned)pair.certificate.len};
    gnutls_datum_t key = {pair.key.data + pair.key.head, (unsigned)pair.key.len};
    ck_assert_int_ge(gnutls_certificate_set_x509_key_mem(r->credentials, &cert, &key, GNUTLS_X509_FMT_PEM), 0);
    tls_pki_pair_clear(&pair);
}

void raw_tls_start(struct raw_tls *r, unsigned flags, const char *priority)
{
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&r->credentials), 0);
    ck_assert_int_eq(gnutls_init(&r->session, flags | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(r->session, priority, NULL), 0);
    ck_assert_int_eq(gnutls_credentials_set(r->session, GNUTLS_CRD_CERTIFICATE, r->credentials), 0);
    gnutls_transport_set_ptr(r->session, r);
    gnutls_transport_set_pull_function(r->session, pull);
    gnutls_transport_set_pull_timeout_function(r->session, pull_timeout);
    gnutls_transport_set_push_function(r->session, push);
    gnutls_handshake_set_timeout(r->session, GNUTLS_INDEFINITE_TIMEOUT);
    bytes_init(&r->in, QUEUE_MAX);
    bytes_init(&r->out, QUEUE_MAX);
    bytes_init(&r->got, QUEUE_MAX);
}

void raw_tls_server(struct raw_tls *r, const struct wire_pki *pki, const char *priority, const gnutls_datum_t *ticket_key)
{
    *r = (struct raw_tls){.server = true};
    raw_tls_start(r, GNUTLS_SERVER, priority);
    load_pair(r, &pki->servers_ca, true);
    gnutls_certificate_server_set_request(r->session, GNUTLS_CERT_REQUEST);
    if (ticket_key != NULL)
        ck_assert_int_eq(gnutls_session_ticket_enable_server(r->session, ticket_key), 0);
}

void raw_tls_later(struct raw_tls *r, const struct wire_pki *pki, const char *priority, unsigned flags)
{
    *r = (struct raw_tls){.server = true, .renegotiates = true};
    raw_tls_start(r, GNUTLS_SERVER | flags, priority);
    load_pair(r, &pki->servers_ca, true);
    gnutls_certificate_server_set_request(r->session, GNUTLS_CERT_IGNORE);
}

void raw_tls_another_certificate(struct raw_tls *r, const struct wire_pki *pki)
{
    gnutls_certificate_credentials_t before = r->credentials;
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&r->credentials), 0);
    load_pair(r, &pki->servers_ca, true);
    ck_assert_int_eq(gnutls_credentials_set(r->session, GNUTLS_CRD_CERTIFICATE, r->credentials), 0);
    gnutls_certificate_free_credentials(before);
}

void raw_tls_client(struct raw_tls *r, const struct wire_pki *pki, const char *priority, unsigned flags)
{
    *r = (struct raw_tls){0};
    raw_tls_start(r, GNUTLS_CLIENT | flags, priority);
    load_pair(r, &pki->clients_ca, false);
}

void raw_tls_clear(struct raw_tls *r)
{
    if (r->session == NULL)
        return;
    gnutls_deinit(r->session);
    gnutls_certificate_free_credentials(r->credentials);
    bytes_clear(&r->in);
    bytes_clear(&r->out);
    bytes_clear(&r->got);
    r->session = NULL;
}

static bool shake_hands(struct raw_tls *r)
{
    int rc = gnutls_handshake(r->session);
    if (rc < 0 && gnutls_error_is_fatal(rc))
        r->failure = rc;
    if (rc != 0)
        return false;
    r->done = true;
    if (r->eager != NULL)
        raw_tls_say(r, r->eager);
    return true;
}

void raw_tls_pump(struct raw_tls *r)
{
    char buf[4096];
    if (r->failure != 0 || r->ended || (!r->done && !shake_hands(r)))
        return;
    for (;;) {
        ssize_t n = gnutls_record_recv(r->session, buf, sizeof(buf));
        if (n > 0) {
            ck_assert_int_eq(bytes_append(&r->got, buf, (size_t)n), 0);
        } else if (n == GNUTLS_E_REHANDSHAKE && r->renegotiates) {
            r->done = false;
            if (!shake_hands(r))
                return;
        } else if (n == 0) {
            r->ended = true;
            return;
        } else if (gnutls_error_is_fatal((int)n)) {
            r->failure = (int)n;
            return;
        } else if (r->in.len == 0) {
            return;
        }
    }
}

void raw_tls_say(struct raw_tls *r, const char *text)
{
    ck_assert_int_eq(gnutls_record_send(r->session, text, strlen(text)), (ssize_t)strlen(text));
}

static void exchange_bytes(struct raw_tls *r, struct wire_socket *s, struct wire_pipe *out)
{
    ck_assert_int_eq(bytes_append_span(&r->in, bytes_span(&s->got)), 0);
    bytes_clear(&s->got);
    raw_tls_pump(r);
    ck_assert_int_eq(bytes_append_span(&out->data, bytes_span(&r->out)), 0);
    out->put += r->out.len;
    bytes_clear(&r->out);
}

void raw_tls_at_backend(struct raw_tls *r, struct wire_socket *s)
{
    exchange_bytes(r, s, &s->down);
}

void raw_tls_at_app(struct raw_tls *r, struct wire_socket *s)
{
    exchange_bytes(r, s, &s->up);
}
