/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's protocol, "SSL Session Encryption": the client sends SSLRequest, the server answers with one byte. */
#include "starttls_protocol.h"

#include <string.h>

enum { REQUEST = 8, TLS_HANDSHAKE = 0x16, GSS_ASKED = 1 };
#define SSL_REQUEST "\0\0\0\x08\x04\xd2\x16\x2f"
#define GSS_REQUEST "\0\0\0\x08\x04\xd2\x16\x30"
#define CANCEL_REQUEST "\0\0\0\x10\x04\xd2\x16\x2e"

static enum reason read_answer(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    (void)s;
    if (in.len == 0)
        return REASON_UNDECIDED;
    *eaten = 1;
    switch (in.ptr[0]) {
    case 'S':
        return REASON_VALID;
    case 'N':
        return starttls_fail(err, "the server answered N to SSLRequest: it has no TLS (ssl = off)");
    case 'E': /* its text is not shown, as an attacker may have written it (CVE-2024-10977) */
        return starttls_fail(err, "the server answered SSLRequest with an error: it takes no connections now, or is too old for TLS");
    default:
        return starttls_fail(err, "the server's answer to SSLRequest is none of PostgreSQL's");
    }
}

/* A client that begins without TLS gets the words of a server that demands it: psql with sslmode=allow then asks again, with TLS. */
static enum reason refuse_plaintext(struct starttls *s, struct err *err)
{
    static const char fields[] = "SFATAL\0VFATAL\0C28000\0MTLS is required: connect with sslmode=require or stricter\0";
    static const uint8_t head[] = {'E', 0, 0, 0, 4 + sizeof(fields)};
    bytes_append(&s->out, head, sizeof(head));
    bytes_append(&s->out, fields, sizeof(fields)); /* its last 0 ends the list */
    return starttls_fail(err, "the client did not ask for TLS");
}

static enum reason read_request(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    if (in.len > 0 && in.ptr[0] == TLS_HANDSHAKE && s->step == 0) {
        s->direct = true;
        return REASON_VALID;
    }
    if (in.len < REQUEST)
        return REASON_UNDECIDED;
    *eaten = REQUEST;
    if (memcmp(in.ptr, SSL_REQUEST, REQUEST) == 0) {
        bytes_append(&s->out, "S", 1);
        return REASON_VALID;
    }
    if (memcmp(in.ptr, GSS_REQUEST, REQUEST) == 0 && s->step != GSS_ASKED) {
        s->step = GSS_ASKED;
        bytes_append(&s->out, "N", 1);
        return REASON_UNDECIDED;
    }
    if (memcmp(in.ptr, CANCEL_REQUEST, REQUEST) == 0)
        return starttls_fail(err, "the client sent a CancelRequest without TLS");
    if (in.ptr[4] == 0 && in.ptr[5] == 3)
        return refuse_plaintext(s, err);
    return starttls_fail(err, "the client does not speak PostgreSQL's protocol");
}

const struct starttls_protocol starttls_postgres_ask = {.first = SSL_REQUEST, .first_len = REQUEST, .read = read_answer};
const struct starttls_protocol starttls_postgres_answer = {.read = read_request};
