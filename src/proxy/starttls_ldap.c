/* SPDX-License-Identifier: Apache-2.0 */
/* StartTLS of LDAP (RFC 4511 section 4.14): an extended request and its response, in BER. */
#include "starttls_protocol.h"

#include <string.h>

enum {
    SEQUENCE = 0x30, INTEGER = 0x02, ENUMERATED = 0x0a, REQUEST_NAME = 0x80,
    BIND = 0x60, UNBIND = 0x42, SEARCH = 0x63, SEARCH_DONE = 0x65, ABANDON = 0x50, DELETE = 0x4a, DELETED = 0x6b, EXTENDED = 0x77, EXTENDED_RESPONSE = 0x78,
    MESSAGE_MAX = 4096, ID_MAX = 4, CONFIDENTIALITY_REQUIRED = 13,
};
#define OID "1.3.6.1.4.1.1466.20037"
#define REQUEST "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" OID

/* The element at the begin of in: its tag and contents; what is behind it stays in *in. False: it is not whole, or too long. */
static bool take(struct span *in, uint8_t *tag, struct span *contents)
{
    if (in->len < 2)
        return false;
    size_t head = 2, len = in->ptr[1];
    if (len > 0x80) {
        size_t n = len - 0x80;
        head += n;
        len = 0;
        if (n > 4 || in->len < head)
            return false;
        for (size_t i = 0; i < n; i++)
            len = len << 8 | in->ptr[2 + i];
    } else if (len == 0x80) {
        return false; /* no length: RFC 4511 section 5.1 forbids it */
    }
    if (len > MESSAGE_MAX || len > in->len - head)
        return false;
    *tag = in->ptr[0];
    *contents = span_of(in->ptr + head, len);
    *in = span_skip(*in, head + len);
    return true;
}

/* A whole message: its number and its operation. */
static enum reason take_message(struct span in, size_t *eaten, struct span *id, uint8_t *op, struct span *contents, struct err *err)
{
    struct span rest = in, message;
    uint8_t tag;
    if (in.len > 0 && in.ptr[0] != SEQUENCE)
        return starttls_fail(err, "it does not speak LDAP");
    if (!take(&rest, &tag, &message))
        return in.len < MESSAGE_MAX ? REASON_UNDECIDED : starttls_fail(err, "it sent an LDAP message that is too long before TLS");
    *eaten = in.len - rest.len;
    if (!take(&message, &tag, id) || tag != INTEGER || id->len == 0 || id->len > ID_MAX || !take(&message, op, contents))
        return starttls_fail(err, "it sent a malformed LDAP message");
    return REASON_VALID;
}

static enum reason read_response(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    struct span id, contents, code;
    uint8_t op, tag;
    (void)s;
    enum reason whole = take_message(in, eaten, &id, &op, &contents, err);
    if (whole != REASON_VALID)
        return whole;
    if (op != EXTENDED_RESPONSE || !take(&contents, &tag, &code) || tag != ENUMERATED || code.len != 1)
        return starttls_fail(err, "the server's answer to StartTLS is not an extended response");
    if (id.len == 1 && id.ptr[0] == 1 && code.ptr[0] == 0)
        return REASON_VALID;
    err_set(err, ERR_PROTOCOL, "the server refused StartTLS with the result code %u", (unsigned)code.ptr[0]);
    return REASON_STARTTLS_FAILED;
}

/* An LDAPResult without a name, with this code and text, as the response to a message. */
static void respond(struct starttls *s, struct span id, uint8_t op, uint8_t code, const char *text)
{
    uint8_t result = (uint8_t)(3 + 2 + 2 + strlen(text));
    const uint8_t head[] = {SEQUENCE, (uint8_t)(2 + id.len + 2 + result), INTEGER, (uint8_t)id.len};
    const uint8_t body[] = {op, result, ENUMERATED, 1, code, 0x04, 0, 0x04, (uint8_t)strlen(text)};
    bytes_append(&s->out, head, sizeof(head));
    bytes_append_span(&s->out, id);
    bytes_append(&s->out, body, sizeof(body));
    bytes_append_str(&s->out, text);
}

/* The kind of a response follows that of the request. */
static uint8_t response_to(uint8_t op)
{
    if (op == SEARCH)
        return SEARCH_DONE;
    if (op == DELETE)
        return DELETED;
    return op == BIND || (op > SEARCH && op < EXTENDED && op % 2 == 0) ? op + 1 : EXTENDED_RESPONSE;
}

static bool asks_for_tls(uint8_t op, struct span contents)
{
    struct span name;
    uint8_t tag;
    return op == EXTENDED && take(&contents, &tag, &name) && tag == REQUEST_NAME && span_equals_str(name, OID);
}

static enum reason read_request(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    struct span id, contents;
    uint8_t op;
    enum reason whole = take_message(in, eaten, &id, &op, &contents, err);
    if (whole != REASON_VALID)
        return whole;
    if (asks_for_tls(op, contents)) {
        respond(s, id, EXTENDED_RESPONSE, 0, "");
        return REASON_VALID;
    }
    if (op == UNBIND)
        return starttls_fail(err, "the client unbound before it asked for TLS");
    if (op != ABANDON)
        respond(s, id, response_to(op), CONFIDENTIALITY_REQUIRED, "TLS is required: send StartTLS first");
    return REASON_UNDECIDED;
}

const struct starttls_protocol starttls_ldap_ask = {.first = REQUEST, .first_len = sizeof(REQUEST) - 1, .read = read_response};
const struct starttls_protocol starttls_ldap_answer = {.read = read_request};
