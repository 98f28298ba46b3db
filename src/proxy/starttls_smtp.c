/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS of SMTP (RFC 3207). What a server offered before TLS is forgotten: the client asks by EHLO again. */
#include "starttls_protocol.h"

enum { GREETING, EHLO, STARTTLS };
enum { REPLY_DIGITS = 3 };

/* ---- towards a server ---- */

/* A line of a reply: its three digits, whether it is the last one, and its text. */
static bool read_reply(struct span line, unsigned *code, bool *last, struct span *text)
{
    *code = 0;
    for (size_t i = 0; i < REPLY_DIGITS; i++) {
        if (line.len <= i || line.ptr[i] < '0' || line.ptr[i] > '9')
            return false;
        *code = *code * 10 + (line.ptr[i] - '0');
    }
    *last = line.len == REPLY_DIGITS || line.ptr[REPLY_DIGITS] == ' ';
    *text = span_skip(line, line.len > REPLY_DIGITS ? REPLY_DIGITS + 1 : REPLY_DIGITS);
    return *last || line.ptr[REPLY_DIGITS] == '-';
}

/* The reply is whole, and as good as it can be. */
static enum reason go_on(struct starttls *s, struct err *err)
{
    switch (s->step) {
    case GREETING:
        bytes_append_str(&s->out, "EHLO localhost\r\n");
        s->step = EHLO;
        return REASON_UNDECIDED;
    case EHLO:
        if (!s->offered)
            return starttls_fail(err, "the server does not offer STARTTLS");
        bytes_append_str(&s->out, "STARTTLS\r\n");
        s->step = STARTTLS;
        return REASON_UNDECIDED;
    default:
        return REASON_VALID;
    }
}

static enum reason read_server(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    static const struct {
        unsigned code;
        const char *why;
    } wanted[] = {
        [GREETING] = {220, "the server does not greet with 220"},
        [EHLO] = {250, "the server refused EHLO"},
        [STARTTLS] = {220, "the server refused STARTTLS"},
    };
    struct span line, text, none;
    unsigned code;
    bool last;
    enum reason whole = starttls_line(in, &line, eaten, err);
    if (whole != REASON_VALID)
        return whole;
    if (!read_reply(line, &code, &last, &text) || code != wanted[s->step].code)
        return starttls_fail_line(err, wanted[s->step].why, line);
    if (s->step == EHLO && span_equals_nocase_str(starttls_word(text, &none), "STARTTLS"))
        s->offered = true;
    return last ? go_on(s, err) : REASON_UNDECIDED;
}

/* ---- towards a client ---- */

static const struct {
    const char *verb, *reply;
} commands[] = {
    {"EHLO", "250-mtlsd\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n"},
    {"HELO", "250 mtlsd\r\n"},
    {"NOOP", "250 2.0.0 OK\r\n"},
    {"RSET", "250 2.0.0 OK\r\n"},
};

static enum reason read_client(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    struct span line, rest;
    enum reason whole = starttls_line(in, &line, eaten, err);
    if (whole != REASON_VALID)
        return whole;
    struct span verb = starttls_word(line, &rest);
    if (span_equals_nocase_str(verb, "STARTTLS") && rest.len == 0) {
        bytes_append_str(&s->out, "220 2.0.0 Ready to start TLS\r\n");
        return REASON_VALID;
    }
    if (span_equals_nocase_str(verb, "QUIT")) {
        bytes_append_str(&s->out, "221 2.0.0 Bye\r\n");
        return starttls_fail(err, "the client said QUIT before it asked for TLS");
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!span_equals_nocase_str(verb, commands[i].verb))
            continue;
        bytes_append_str(&s->out, commands[i].reply);
        return REASON_UNDECIDED;
    }
    bytes_append_str(&s->out, "530 5.7.0 Must issue a STARTTLS command first\r\n");
    return REASON_UNDECIDED;
}

#define FIRST "220 mtlsd ESMTP\r\n"
const struct starttls_protocol starttls_smtp_ask = {.read = read_server};
const struct starttls_protocol starttls_smtp_answer = {.first = FIRST, .first_len = sizeof(FIRST) - 1, .read = read_client};
