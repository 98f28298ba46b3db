/* SPDX-License-Identifier: Apache-2.0 */
#include "access_line.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_words.h"

#include <string.h>

enum { FIELD_MAX = 1024 }; /* bytes of a peer's value; each may grow to four */

bool access_line_is_due(const struct report *r)
{
    return r->kind == REPORT_REQUEST || r->listener->conf->protocol == CONFIG_PROTOCOL_TCP;
}

static void append_field(struct bytes *out, struct span value, bool word)
{
    bool cut = value.len > FIELD_MAX;
    if (value.len == 0)
        bytes_append_str(out, "-");
    text_append_log(out, cut ? span_of(value.ptr, FIELD_MAX) : value, word);
    bytes_append_str(out, cut ? "..." : "");
}

static void append_word(struct bytes *out, const char *text, const char *after)
{
    append_field(out, span_from_str(text), true);
    bytes_append_str(out, after);
}

static void append_quoted(struct bytes *out, struct span value)
{
    bytes_append_str(out, " \"");
    append_field(out, value, false);
    bytes_append_str(out, "\"");
}

/* A method and a target that a parser accepted hold no space, so the line splits in three. Escaping them as words keeps it so. */
static void append_request(struct bytes *out, const struct report *r)
{
    bytes_append_str(out, " \"");
    append_field(out, r->request.method, true);
    if (r->request.method.len > 0) {
        bytes_append_str(out, " ");
        append_field(out, r->request.uri, true);
        if (r->request.http2)
            bytes_append_str(out, " HTTP/2.0");
        else
            bytes_printf(out, " HTTP/1.%u", r->request.minor);
    }
    bytes_append_str(out, "\"");
}

static void append_count(struct bytes *out, uint64_t n)
{
    n == 0 ? bytes_append_str(out, " -") : bytes_printf(out, " %llu", (unsigned long long)n);
}

/* A SPIFFE identity often has no subject. */
static struct span name_of(const struct tls_peer *peer)
{
    static const enum tls_name_type others[] = {TLS_NAME_URI, TLS_NAME_DNS, TLS_NAME_EMAIL};
    for (size_t i = 0; peer->subject_cut && i < sizeof(others) / sizeof(others[0]); i++) {
        struct span name = tls_peer_first(peer, others[i]);
        if (name.len > 0)
            return name;
    }
    return span_from_str(peer->subject);
}

static struct span user_of(const struct report *r)
{
    const struct tls_facts *down = r->down;
    bool proven = down != NULL && down->peer != NULL && down->verdict != NULL && down->verdict->status == REASON_VALID;
    return proven ? name_of(down->peer) : span_of(NULL, 0);
}

static void write_combined(struct bytes *out, const struct report *r, const char *time)
{
    append_word(out, r->client, " - ");
    append_field(out, user_of(r), true);
    bytes_printf(out, " [%s]", time);
    append_request(out, r);
    append_count(out, r->request.status);
    append_count(out, r->bytes_out);
    append_quoted(out, r->request.referer);
    append_quoted(out, r->request.user_agent);
}

static void write_ssl_request(struct bytes *out, const struct report *r, const char *time)
{
    char version[TLS_WORDS_SIZE], suite[TLS_WORDS_SIZE];
    tls_words_version(r->down != NULL ? r->down->version : NULL, version);
    tls_words_suite(r->down != NULL ? r->down->suite : NULL, suite);
    bytes_printf(out, "[%s] ", time);
    append_word(out, r->client, " ");
    append_word(out, version, " ");
    append_word(out, suite, "");
    append_request(out, r);
    append_count(out, r->bytes_out);
}

int access_line_write(struct bytes *out, enum log_format format, const struct report *r, int64_t utc)
{
    char time[27];
    text_log_time(time, utc);
    if (format == LOG_FORMAT_SSL_REQUEST)
        write_ssl_request(out, r, time);
    else
        write_combined(out, r, time);
    return bytes_append_str(out, "\n");
}
