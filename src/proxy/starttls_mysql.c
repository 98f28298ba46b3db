/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MySQL's connection phase: the server greets, and the client asks for TLS with the first 32 bytes of its login. Servers take the flags from there
 * and never look at those of the login itself, so that they have to be the client's own: the server is asked once the client's login is there.
 */
#include "starttls_protocol.h"

#include <string.h>

enum {
    HEAD = 4, /* of a packet: length in three bytes, sequence number */
    PROTOCOL = 10,
    ERROR = 0xff,
    BEHIND_VERSION = 4 + 8 + 1, /* thread, scramble, filler: then the low half of the capabilities */
    CAP_LONG_PASSWORD = 0x0001,
    CAP_PROTOCOL_41 = 0x0200,
    CAP_SSL = 0x0800,
    CAP_SECURE_CONNECTION = 0x8000,
    SSL_BYTE = 1, /* of the capabilities in a login that has the bit */
    SSL_BIT = CAP_SSL >> 8,
    SECURE_TRANSPORT_REQUIRED = 3159,
    UTF8 = 33,
};
enum { GREETING, LOGIN };

/* A whole packet; *eaten is 0 while it is not. */
static struct span take_packet(struct span in, uint8_t *sequence, size_t *eaten)
{
    size_t len = in.len < HEAD ? 0 : in.ptr[0] | (size_t)in.ptr[1] << 8 | (size_t)in.ptr[2] << 16;
    if (in.len < HEAD || in.len - HEAD < len)
        return span_of(NULL, 0);
    *sequence = in.ptr[3];
    *eaten = HEAD + len;
    return span_of(in.ptr + HEAD, len);
}

static bool is_too_long(struct span in)
{
    return in.len >= HEAD && (in.ptr[2] != 0 || (in.ptr[0] | (size_t)in.ptr[1] << 8) > STARTTLS_IN_MAX - HEAD);
}

/* Where the low capabilities of a greeting stand; 0: it is none. */
static size_t capabilities_at(struct span greeting)
{
    const uint8_t *end = greeting.len > 1 && greeting.ptr[0] == PROTOCOL ? memchr(greeting.ptr + 1, 0, greeting.len - 1) : NULL;
    size_t at = end != NULL ? (size_t)(end - greeting.ptr) + 1 + BEHIND_VERSION : 0;
    return end != NULL && at + 2 <= greeting.len ? at : 0;
}

/* ---- towards a server ---- */

static enum reason check_greeting(struct span greeting, struct err *err)
{
    if (greeting.len >= 3 && greeting.ptr[0] == ERROR) {
        err_set(err, ERR_PROTOCOL, "the server refused the connection with error %u", greeting.ptr[1] | (unsigned)greeting.ptr[2] << 8);
        return REASON_STARTTLS_FAILED;
    }
    size_t at = capabilities_at(greeting);
    if (at == 0)
        return starttls_fail(err, "the server does not greet as MySQL does");
    unsigned capabilities = greeting.ptr[at] | (unsigned)greeting.ptr[at + 1] << 8;
    if ((capabilities & CAP_SSL) == 0)
        return starttls_fail(err, "the server does not offer TLS (CLIENT_SSL)");
    return (capabilities & CAP_PROTOCOL_41) != 0 ? REASON_UNDECIDED : starttls_fail(err, "the server is too old: MySQL 4.1 is the oldest");
}

static enum reason read_greeting(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    uint8_t sequence;
    if (s->step != GREETING)
        return in.len == 0 ? REASON_UNDECIDED : starttls_fail(err, "the server spoke before it was asked for TLS");
    struct span greeting = take_packet(in, &sequence, eaten);
    if (*eaten == 0)
        return is_too_long(in) ? starttls_fail(err, "the server does not greet as MySQL does") : REASON_UNDECIDED;
    enum reason verdict = sequence == 0 ? check_greeting(greeting, err) : starttls_fail(err, "the server does not greet as MySQL does");
    if (verdict == REASON_UNDECIDED) {
        bytes_append(&s->greeting, in.ptr, *eaten);
        s->step = LOGIN;
        s->wants_client = true;
    }
    return verdict;
}

enum reason starttls_login(struct starttls *s, const uint8_t login[STARTTLS_MYSQL_HEADER], struct err *err)
{
    static const uint8_t head[HEAD] = {STARTTLS_MYSQL_HEADER, 0, 0, 1};
    static const uint8_t alone[STARTTLS_MYSQL_HEADER] = {CAP_LONG_PASSWORD, CAP_PROTOCOL_41 >> 8 | CAP_SECURE_CONNECTION >> 8, 0, 0, 0, 0, 0, 1, UTF8};
    uint8_t request[STARTTLS_MYSQL_HEADER];
    memcpy(request, login != NULL ? login : alone, sizeof(request));
    if ((request[SSL_BYTE] & CAP_PROTOCOL_41 >> 8) == 0)
        return starttls_fail(err, "the client is too old: MySQL 4.1 is the oldest");
    request[SSL_BYTE] |= SSL_BIT;
    s->wants_client = false;
    if (bytes_append(&s->out, head, sizeof(head)) != 0 || bytes_append(&s->out, request, sizeof(request)) != 0) {
        err_set(err, ERR_MEMORY, "out of memory");
        return REASON_INTERNAL;
    }
    return REASON_VALID;
}

/* ---- towards a client ---- */

void starttls_offer(struct bytes *greeting, bool tls)
{
    size_t at = capabilities_at(span_skip(bytes_span(greeting), HEAD));
    uint8_t *flags = greeting->data + greeting->head + HEAD + at + 1;
    if (at > 0)
        *flags = tls ? (uint8_t)(*flags | SSL_BIT) : (uint8_t)(*flags & ~SSL_BIT);
}

enum reason starttls_greet(struct starttls *s, struct span in, struct err *err)
{
    uint8_t sequence;
    size_t eaten = 0;
    if (bytes_append_span(&s->greeting, in) != 0)
        return starttls_fail(err, "the server's greeting is too long");
    struct span greeting = take_packet(bytes_span(&s->greeting), &sequence, &eaten);
    if (eaten == 0)
        return REASON_UNDECIDED;
    s->wants_greeting = false;
    if (capabilities_at(greeting) > 0 && eaten < s->greeting.len)
        return starttls_fail(err, "the server said more than its greeting");
    starttls_offer(&s->greeting, true);
    if (bytes_append_span(&s->out, bytes_span(&s->greeting)) != 0) {
        err_set(err, ERR_MEMORY, "out of memory");
        return REASON_INTERNAL;
    }
    return capabilities_at(greeting) > 0 ? REASON_UNDECIDED
                                         : starttls_fail(err, "the server behind refused the connection, or does not greet as MySQL does");
}

static enum reason refuse_plaintext(struct starttls *s, uint8_t sequence, struct err *err)
{
    static const char text[] = "#HY000TLS is required: connect with ssl-mode=REQUIRED or stricter";
    const uint8_t head[] = {3 + sizeof(text) - 1, 0, 0, (uint8_t)(sequence + 1), ERROR, SECURE_TRANSPORT_REQUIRED & 0xff, SECURE_TRANSPORT_REQUIRED >> 8};
    bytes_append(&s->out, head, sizeof(head));
    bytes_append_str(&s->out, text);
    return starttls_fail(err, "the client did not ask for TLS");
}

static enum reason read_request(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    uint8_t sequence;
    if (s->wants_greeting)
        return in.len == 0 ? REASON_UNDECIDED : starttls_fail(err, "the client spoke before the server did");
    struct span request = take_packet(in, &sequence, eaten);
    if (*eaten == 0)
        return is_too_long(in) ? starttls_fail(err, "the client does not speak MySQL's protocol") : REASON_UNDECIDED;
    if (request.len < STARTTLS_MYSQL_HEADER || sequence != 1)
        return starttls_fail(err, "the client does not speak MySQL's protocol");
    if ((request.ptr[SSL_BYTE] & SSL_BIT) == 0 || request.len != STARTTLS_MYSQL_HEADER)
        return refuse_plaintext(s, sequence, err);
    memcpy(s->login, request.ptr, STARTTLS_MYSQL_HEADER);
    s->direct = true; /* what follows is for TLS, which refuses all else */
    return REASON_VALID;
}

const struct starttls_protocol starttls_mysql_ask = {.read = read_greeting};
const struct starttls_protocol starttls_mysql_answer = {.read = read_request};
