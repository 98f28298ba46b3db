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

static int append_field(struct bytes *out, struct span value, bool word)
{
    if (value.len == 0)
        return bytes_append_str(out, "-");
    if (value.len <= FIELD_MAX)
        return text_append_log(out, value, word);
    return text_append_log(out, span_of(value.ptr, FIELD_MAX), word) != 0 ? -1 : bytes_append_str(out, "...");
}

static int append_word(struct bytes *out, const char *text)
{
    return append_field(out, span_from_str(text), true);
}

static int append_quoted(struct bytes *out, struct span value)
{
    if (bytes_append_str(out, " \"") != 0 || append_field(out, value, false) != 0)
        return -1;
    return bytes_append_str(out, "\"");
}

/* A method and a target hold no space when a parser let them pass, so that the line splits in three; escaping them as words keeps it so. */
static int append_request(struct bytes *out, const struct report *r)
{
    if (r->method.len == 0)
        return bytes_append_str(out, " \"-\"");
    if (bytes_append_str(out, " \"") != 0 || append_field(out, r->method, true) != 0 || bytes_append_str(out, " ") != 0)
        return -1;
    return append_field(out, r->uri, true) != 0 ? -1 : bytes_printf(out, " HTTP/1.%u\"", r->minor);
}

static int append_count(struct bytes *out, uint64_t n)
{
    return n == 0 ? bytes_append_str(out, " -") : bytes_printf(out, " %llu", (unsigned long long)n);
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

static int write_combined(struct bytes *out, const struct report *r, const char *time)
{
    if (append_word(out, r->client) != 0 || bytes_append_str(out, " - ") != 0 || append_field(out, user_of(r), true) != 0)
        return -1;
    if (bytes_printf(out, " [%s]", time) != 0 || append_request(out, r) != 0)
        return -1;
    if (append_count(out, r->status) != 0 || append_count(out, r->bytes_out) != 0)
        return -1;
    return append_quoted(out, r->referer) != 0 ? -1 : append_quoted(out, r->user_agent);
}

static int write_ssl_request(struct bytes *out, const struct report *r, const char *time)
{
    char version[TLS_WORDS_SIZE], suite[TLS_WORDS_SIZE];
    tls_words_version(r->down != NULL ? r->down->version : NULL, version);
    tls_words_suite(r->down != NULL ? r->down->suite : NULL, suite);
    if (bytes_printf(out, "[%s] ", time) != 0 || append_word(out, r->client) != 0 || bytes_append_str(out, " ") != 0)
        return -1;
    if (append_word(out, version) != 0 || bytes_append_str(out, " ") != 0 || append_word(out, suite) != 0)
        return -1;
    return append_request(out, r) != 0 ? -1 : append_count(out, r->bytes_out);
}

int access_line_write(struct bytes *out, enum log_format format, const struct report *r, int64_t utc)
{
    char time[27];
    text_log_time(time, utc);
    int rc = format == LOG_FORMAT_SSL_REQUEST ? write_ssl_request(out, r, time) : write_combined(out, r, time);
    return rc == 0 ? bytes_append_str(out, "\n") : -1;
}
