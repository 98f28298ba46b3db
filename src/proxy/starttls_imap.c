/* SPDX-License-Identifier: Apache-2.0 */
/* STARTTLS of IMAP (RFC 9051 section 6.2.1). Nothing that a server says before TLS is believed. */
#include "starttls_protocol.h"

#include <string.h>

enum { GREETING, STARTTLS };
enum { TAG_MAX = 64 };
#define TAG "mtlsd1"

/* ---- towards a server ---- */

static enum reason read_greeting(struct starttls *s, struct span status, struct span line, struct err *err)
{
    if (span_equals_nocase_str(status, "PREAUTH")) /* STARTTLS is not allowed then: it would keep the connection in plaintext */
        return starttls_fail(err, "the server greets with PREAUTH, after which there is no STARTTLS");
    if (!span_equals_nocase_str(status, "OK"))
        return starttls_fail_line(err, "the server does not greet with OK", line);
    bytes_append_str(&s->out, TAG " STARTTLS\r\n");
    s->step = STARTTLS;
    return REASON_UNDECIDED;
}

static enum reason read_server(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    struct span line, rest, none;
    enum reason whole = starttls_line(in, &line, eaten, err);
    if (whole != REASON_VALID)
        return whole;
    struct span tag = starttls_word(line, &rest), status = starttls_word(rest, &none);
    bool untagged = span_equals_str(tag, "*");
    if (s->step == GREETING && untagged)
        return read_greeting(s, status, line, err);
    if (s->step == GREETING || (!untagged && !span_equals_str(tag, TAG)))
        return starttls_fail_line(err, "the server does not speak IMAP", line);
    if (untagged && !span_equals_nocase_str(status, "BYE"))
        return REASON_UNDECIDED;
    if (!untagged && span_equals_nocase_str(status, "OK"))
        return REASON_VALID;
    return starttls_fail_line(err, "the server refused STARTTLS", line);
}

/* ---- towards a client ---- */

#define CAPABILITIES "CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED"

static bool is_tag(struct span tag)
{
    for (size_t i = 0; i < tag.len; i++)
        if (tag.ptr[i] <= ' ' || tag.ptr[i] >= 0x7f || strchr("(){%*\"\\+", tag.ptr[i]) != NULL)
            return false;
    return tag.len > 0 && tag.len <= TAG_MAX;
}

static void reply(struct starttls *s, const char *before, struct span tag, const char *text)
{
    bytes_append_str(&s->out, before);
    bytes_append_span(&s->out, tag);
    bytes_append_str(&s->out, text);
}

static enum reason read_client(struct starttls *s, struct span in, size_t *eaten, struct err *err)
{
    struct span line, rest, arguments;
    enum reason whole = starttls_line(in, &line, eaten, err);
    if (whole != REASON_VALID)
        return whole;
    struct span tag = starttls_word(line, &rest), command = starttls_word(rest, &arguments);
    if (!is_tag(tag) || (line.len > 0 && line.ptr[line.len - 1] == '}'))
        return starttls_fail(err, "the client does not speak IMAP, or sends a literal before TLS");
    if (span_equals_nocase_str(command, "STARTTLS") && arguments.len == 0) {
        reply(s, "", tag, " OK Begin TLS negotiation now\r\n");
        return REASON_VALID;
    }
    if (span_equals_nocase_str(command, "LOGOUT")) {
        reply(s, "* BYE\r\n", tag, " OK done\r\n");
        return starttls_fail(err, "the client said LOGOUT before it asked for TLS");
    }
    if (span_equals_nocase_str(command, "CAPABILITY"))
        reply(s, "* " CAPABILITIES "\r\n", tag, " OK done\r\n");
    else if (span_equals_nocase_str(command, "NOOP"))
        reply(s, "", tag, " OK done\r\n");
    else
        reply(s, "", tag, " NO [PRIVACYREQUIRED] TLS is required: STARTTLS first\r\n");
    return REASON_UNDECIDED;
}

#define FIRST "* OK [" CAPABILITIES "] mtlsd\r\n"
const struct starttls_protocol starttls_imap_ask = {.read = read_server};
const struct starttls_protocol starttls_imap_answer = {.first = FIRST, .first_len = sizeof(FIRST) - 1, .read = read_client};
