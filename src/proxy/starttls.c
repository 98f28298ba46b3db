/* SPDX-License-Identifier: Apache-2.0 */
#include "starttls_protocol.h"

#include <string.h>

static const struct starttls_protocol *protocol_of(const struct starttls *s)
{
    static const struct starttls_protocol *const protocols[][2] = {
        [CONFIG_STARTTLS_POSTGRES] = {&starttls_postgres_ask, &starttls_postgres_answer},
        [CONFIG_STARTTLS_MYSQL] = {&starttls_mysql_ask, &starttls_mysql_answer},
        [CONFIG_STARTTLS_SMTP] = {&starttls_smtp_ask, &starttls_smtp_answer},
        [CONFIG_STARTTLS_LDAP] = {&starttls_ldap_ask, &starttls_ldap_answer},
        [CONFIG_STARTTLS_IMAP] = {&starttls_imap_ask, &starttls_imap_answer},
    };
    return protocols[s->kind][s->answers];
}

void starttls_init(struct starttls *s, enum config_starttls kind, bool answers)
{
    *s = (struct starttls){.kind = kind, .answers = answers};
    s->wants_greeting = kind == CONFIG_STARTTLS_MYSQL && answers;
    bytes_init(&s->in, STARTTLS_IN_MAX);
    bytes_init(&s->out, STARTTLS_IN_MAX);
    bytes_init(&s->greeting, STARTTLS_IN_MAX);
}

void starttls_clear(struct starttls *s)
{
    bytes_clear(&s->in);
    bytes_clear(&s->out);
    bytes_clear(&s->greeting);
}

int starttls_begin(struct starttls *s)
{
    const struct starttls_protocol *p = protocol_of(s);
    return p->first != NULL ? bytes_append(&s->out, p->first, p->first_len) : 0;
}

/* One message after the other, until there is a verdict or none is whole. */
static enum reason read_messages(struct starttls *s, struct err *err)
{
    for (;;) {
        size_t eaten = 0;
        enum reason verdict = protocol_of(s)->read(s, bytes_span(&s->in), &eaten, err);
        bytes_consume(&s->in, eaten);
        if (verdict != REASON_UNDECIDED || eaten == 0)
            return verdict;
        if (++s->messages > STARTTLS_MESSAGES_MAX)
            return starttls_fail(err, "it sent too many messages before TLS");
    }
}

enum reason starttls_in(struct starttls *s, struct span wire, struct err *err)
{
    if (wire.len > STARTTLS_IN_MAX - s->in.len)
        return starttls_fail(err, "it sent too much before TLS");
    if (bytes_append_span(&s->in, wire) != 0) {
        err_set(err, ERR_MEMORY, "out of memory");
        return REASON_INTERNAL;
    }
    enum reason verdict = read_messages(s, err);
    if (s->out.failed || s->greeting.failed) {
        err_set(err, ERR_MEMORY, "out of memory");
        return REASON_INTERNAL;
    }
    if (verdict == REASON_VALID && s->in.len > 0 && !s->direct)
        return starttls_fail(err, "it sent plaintext behind the go-ahead for TLS: an attacker on the network may have put it there");
    return verdict;
}

enum reason starttls_eof(const struct starttls *s, struct err *err)
{
    return starttls_fail(err, s->answers ? "it closed the connection before it asked for TLS" : "it closed the connection before TLS");
}

/* ---- for the protocols ---- */

enum reason starttls_line(struct span in, struct span *line, size_t *eaten, struct err *err)
{
    const uint8_t *end = in.len > 0 ? memchr(in.ptr, '\n', in.len) : NULL;
    if (end == NULL)
        return in.len < STARTTLS_IN_MAX ? REASON_UNDECIDED : starttls_fail(err, "it sent a line that is too long");
    size_t len = (size_t)(end - in.ptr);
    if (len == 0 || in.ptr[len - 1] != '\r' || memchr(in.ptr, 0, len) != NULL)
        return starttls_fail(err, "it sent a line that does not end in CRLF, or with a NUL in it");
    *line = span_of(in.ptr, len - 1);
    *eaten = len + 1;
    return REASON_VALID;
}

struct span starttls_word(struct span line, struct span *rest)
{
    const uint8_t *space = line.len > 0 ? memchr(line.ptr, ' ', line.len) : NULL;
    size_t len = space != NULL ? (size_t)(space - line.ptr) : line.len;
    *rest = span_skip(line, space != NULL ? len + 1 : len);
    return span_of(line.ptr, len);
}

enum reason starttls_fail(struct err *err, const char *why)
{
    err_set(err, ERR_PROTOCOL, "%s", why);
    return REASON_STARTTLS_FAILED;
}

enum reason starttls_fail_line(struct err *err, const char *why, struct span line)
{
    char text[81];
    size_t n = 0;
    for (; n < line.len && n < sizeof(text) - 1; n++)
        text[n] = line.ptr[n] >= ' ' && line.ptr[n] < 0x7f ? (char)line.ptr[n] : '.';
    text[n] = '\0';
    err_set(err, ERR_PROTOCOL, "%s: %s", why, text);
    return REASON_STARTTLS_FAILED;
}
