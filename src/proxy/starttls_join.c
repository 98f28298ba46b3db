/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/starttls_join.h"
#include "starttls_protocol.h"

#include <string.h>

enum { CLIENT, SERVER };

void starttls_join_init(struct starttls_join *j, enum config_starttls kind, bool down, bool up)
{
    *j = (struct starttls_join){.kind = kind, .down = down, .up = up};
    bytes_init(&j->part, STARTTLS_IN_MAX);
    j->packets[CLIENT].first = true;
    bool greets = kind == CONFIG_STARTTLS_SMTP || kind == CONFIG_STARTTLS_IMAP;
    j->holds_client = greets && down && !up;
    j->over = kind == CONFIG_STARTTLS_LDAP || down == up || (kind == CONFIG_STARTTLS_POSTGRES && down) || (greets && up);
}

void starttls_join_clear(struct starttls_join *j)
{
    bytes_clear(&j->part);
}

/* Nothing that came in plaintext reaches the client: these greetings are ours. */
int starttls_join_begin(const struct starttls_join *j, struct bytes *to_client)
{
    if (j->down || !j->up)
        return 0;
    if (j->kind == CONFIG_STARTTLS_SMTP)
        return bytes_append_str(to_client, "220 mtlsd ESMTP\r\n");
    return j->kind == CONFIG_STARTTLS_IMAP ? bytes_append_str(to_client, "* OK mtlsd\r\n") : 0;
}

static enum reason finish(struct starttls_join *j, struct bytes *to)
{
    j->over = true;
    j->holds_client = false;
    bytes_append_part(to, &j->part);
    return REASON_VALID;
}

/* ---- PostgreSQL: a client may ask for TLS and GSSAPI first, each once ---- */

static enum reason answer_no(struct starttls_join *j, struct span in, struct bytes *to_client, struct bytes *to_server)
{
    enum { REQUEST = 8, LAST = 7, TLS = 0x2f, GSS = 0x30 };
    bytes_append_span(&j->part, in);
    while (j->part.len >= REQUEST) {
        const uint8_t *message = bytes_span(&j->part).ptr;
        bool asks = memcmp(message, "\0\0\0\x08\x04\xd2\x16", LAST) == 0;
        bool *refused = message[LAST] == TLS ? &j->tls_refused : &j->gss_refused;
        if (!asks || (message[LAST] != TLS && message[LAST] != GSS) || *refused)
            return finish(j, to_server);
        *refused = true;
        bytes_append(to_client, "N", 1);
        bytes_consume(&j->part, REQUEST);
    }
    return REASON_VALID;
}

/* ---- SMTP and IMAP: the client has a greeting already ---- */

/* True: it is the server's good greeting, or a line of it. *last: it ends with this one. */
static bool is_greeting(const struct starttls_join *j, struct span line, bool *last)
{
    struct span rest, none;
    *last = true;
    if (j->kind == CONFIG_STARTTLS_IMAP)
        return span_equals_str(starttls_word(line, &rest), "*") && span_equals_nocase_str(starttls_word(rest, &none), "OK");
    bool good = line.len >= 3 && memcmp(line.ptr, "220", 3) == 0;
    *last = !good || line.len == 3 || line.ptr[3] != '-';
    return good;
}

/* A greeting that says no takes the place of the answer to the client's first command. */
static enum reason eat_greeting(struct starttls_join *j, struct span in, struct bytes *to_client, struct err *err)
{
    if (in.len > STARTTLS_IN_MAX - j->part.len)
        return starttls_fail(err, "the server's greeting is too long");
    bytes_append_span(&j->part, in);
    for (;;) {
        struct span line;
        size_t eaten = 0;
        bool last;
        enum reason whole = starttls_line(bytes_span(&j->part), &line, &eaten, err);
        if (whole != REASON_VALID)
            return whole == REASON_UNDECIDED ? REASON_VALID : whole;
        if (!is_greeting(j, line, &last)) {
            if (j->kind == CONFIG_STARTTLS_IMAP && line.len >= 9 && span_equals_nocase_str(span_of(line.ptr, 9), "* PREAUTH"))
                return starttls_fail(err, "the server greets with PREAUTH: every client would be logged in");
            return finish(j, to_client);
        }
        bytes_consume(&j->part, eaten);
        if (last)
            return finish(j, to_client);
    }
}

/* ---- MySQL: the request for TLS counted as a packet, on one side only ---- */

enum { SSL_BYTE = 1, SSL_BIT = 0x08, OK = 0x00, ERROR = 0xff };

/* The head of a packet is whole. Each command of a client begins at 0: the login is over. */
static void count_head(const struct starttls_join *j, bool from_client, struct starttls_packets *p)
{
    int by = (j->up ? 1 : 0) - (j->down ? 1 : 0);
    p->left = p->head[0] | (size_t)p->head[1] << 8 | (size_t)p->head[2] << 16;
    p->at = 0;
    p->n_head = 0;
    p->over = from_client && p->head[3] == 0;
    if (!p->over)
        p->head[3] = (uint8_t)(p->head[3] + (from_client ? by : -by));
}

/* The login says whether it came by TLS. */
static uint8_t change_login(const struct starttls_join *j, const struct starttls_packets *p, uint8_t byte)
{
    if (!p->first || p->at != SSL_BYTE)
        return byte;
    return j->up ? (uint8_t)(byte | SSL_BIT) : (uint8_t)(byte & ~SSL_BIT);
}

/* A server ends the login with OK or an error. */
static void count_payload(const struct starttls_join *j, bool from_client, struct starttls_packets *p, uint8_t byte, struct bytes *to)
{
    uint8_t changed = from_client ? change_login(j, p, byte) : byte;
    bytes_append(to, &changed, 1);
    p->over = !from_client && p->at == 0 && (byte == OK || byte == ERROR);
    p->at++;
    p->left--;
    p->first = p->first && p->left > 0;
}

static enum reason number_again(struct starttls_join *j, bool from_client, struct span in, struct bytes *to)
{
    struct starttls_packets *p = &j->packets[from_client ? CLIENT : SERVER];
    size_t i = 0;
    for (; i < in.len && !p->over; i++) {
        if (p->left > 0) {
            count_payload(j, from_client, p, in.ptr[i], to);
            continue;
        }
        p->head[p->n_head++] = in.ptr[i];
        if (p->n_head < sizeof(p->head))
            continue;
        count_head(j, from_client, p);
        bytes_append(to, p->head, sizeof(p->head));
    }
    bytes_append_span(to, span_skip(in, i));
    j->over = j->packets[CLIENT].over && j->packets[SERVER].over;
    return REASON_VALID;
}

enum reason starttls_join_pass(struct starttls_join *j, bool from_client, struct span in, struct bytes *to_client, struct bytes *to_server,
                               struct err *err)
{
    struct bytes *to = from_client ? to_server : to_client;
    enum reason verdict = REASON_VALID;
    if (j->over)
        bytes_append_span(to, in);
    else if (j->kind == CONFIG_STARTTLS_MYSQL)
        verdict = number_again(j, from_client, in, to);
    else if (j->kind == CONFIG_STARTTLS_POSTGRES && from_client)
        verdict = answer_no(j, in, to_client, to_server);
    else if (!from_client && j->holds_client)
        verdict = eat_greeting(j, in, to_client, err);
    else
        bytes_append_span(to, in);
    if (verdict != REASON_VALID || (!to_client->failed && !to_server->failed && !j->part.failed))
        return verdict;
    err_set(err, ERR_MEMORY, "out of memory");
    return REASON_INTERNAL;
}
