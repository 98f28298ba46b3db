/* SPDX-License-Identifier: Apache-2.0 */
#include "starttls_protocol.h"

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
