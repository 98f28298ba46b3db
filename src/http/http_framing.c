/* SPDX-License-Identifier: Apache-2.0 */
#include "http_framing.h"

#include "http_field.h"

#include <string.h>

struct facts {
    struct span length, coding; /* of the last such field */
    unsigned n_lengths, n_codings, n_options;
    bool close, keep_alive, names; /* what Connection says: "names" are those of fields */
    bool disguised; /* a framing field that only some readers know: Content_Length */
};

static void read_connection(struct facts *f, struct span value)
{
    struct span option;
    while (f->n_options <= HTTP_FRAMING_MAX_OPTIONS && span_next_in_list(&value, &option)) {
        f->n_options++;
        if (span_equals_nocase_str(option, "close"))
            f->close = true;
        else if (span_equals_nocase_str(option, "keep-alive"))
            f->keep_alive = true;
        else
            f->names = true;
    }
}

/* The length of Connection, Content-Length or Transfer-Encoding: most fields are skipped by it. */
static bool is_of_interest(size_t name_len)
{
    return name_len == 10 || name_len == 14 || name_len == 17;
}

static void gather(struct facts *f, const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        const struct http_field *field = &h->fields[i];
        if (!is_of_interest(field->name.len))
            continue;
        switch (http_field_kind_of(field->name)) {
        case HTTP_FIELD_LENGTH:
            f->length = field->value;
            f->n_lengths++;
            f->disguised = f->disguised || field->name.ptr[strlen("Content")] != '-';
            break;
        case HTTP_FIELD_CODING:
            f->coding = field->value;
            f->n_codings++;
            f->disguised = f->disguised || field->name.ptr[strlen("Transfer")] != '-';
            break;
        case HTTP_FIELD_CONNECTION:
            read_connection(f, field->value);
            break;
        default:
            break;
        }
    }
}

/* 0 or a number without sign, space or leading zero, below 2^63. */
static int read_length(struct span text, uint64_t *length)
{
    if (text.len == 0 || text.len > 19 || (text.ptr[0] == '0' && text.len > 1))
        return -1;
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return -1;
        n = n * 10 + (uint64_t)(text.ptr[i] - '0'); /* 19 digits fit 64 bits */
    }
    if (n > INT64_MAX)
        return -1;
    *length = n;
    return 0;
}

static const char *refusal(const struct http_head *h, const struct facts *f, uint64_t *length)
{
    if (f->n_options > HTTP_FRAMING_MAX_OPTIONS)
        return "too many options in Connection";
    if (f->disguised)
        return "a framing field whose name is spelled without its dash";
    if (f->n_codings > 0 && f->n_lengths > 0)
        return "both Content-Length and Transfer-Encoding";
    if (f->n_lengths > 1)
        return "more than one Content-Length";
    if (f->n_lengths == 1 && read_length(f->length, length) != 0)
        return "Content-Length is not a plain decimal number";
    if (f->n_codings > 0 && h->minor == 0)
        return "Transfer-Encoding in HTTP/1.0";
    if (f->n_codings > 1)
        return "more than one Transfer-Encoding";
    if (f->n_codings == 1 && !span_equals_nocase_str(f->coding, "chunked"))
        return "Transfer-Encoding is not exactly chunked";
    if (h->request && (f->n_codings > 0 || *length > 0) && span_equals_str(h->method, "CONNECT"))
        return "CONNECT with a body";
    return NULL;
}

static bool never_has_body(const struct http_head *h)
{
    return !h->request && (h->status < 200 || h->status == 204 || h->status == 304);
}

const char *http_framing_decide(struct http_head *h, bool expect_no_body)
{
    struct facts f = {0};
    gather(&f, h);
    h->length = 0;
    const char *why = refusal(h, &f, &h->length);
    if (why != NULL)
        return why;

    if (expect_no_body || never_has_body(h))
        h->framing = HTTP_NO_BODY;
    else if (f.n_codings == 1)
        h->framing = HTTP_CHUNKED;
    else if (f.n_lengths == 1)
        h->framing = HTTP_LENGTH;
    else
        h->framing = h->request ? HTTP_NO_BODY : HTTP_UNTIL_CLOSE;
    if (h->framing != HTTP_LENGTH)
        h->length = 0;

    h->plain_connection = !f.names;
    h->keep_alive = !f.close && (h->minor >= 1 || f.keep_alive) && h->framing != HTTP_UNTIL_CLOSE;
    return NULL;
}

bool http_framing_fits_trailers(const struct http_head *trailers)
{
    for (size_t i = 0; i < trailers->n_fields; i++) {
        enum http_field_kind kind = http_field_kind_of(trailers->fields[i].name);
        if (kind == HTTP_FIELD_HOST || kind == HTTP_FIELD_LENGTH || kind == HTTP_FIELD_CODING || kind == HTTP_FIELD_CONNECTION || kind == HTTP_FIELD_HOP)
            return false;
    }
    return true;
}
