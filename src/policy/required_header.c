/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/required_header.h"

#include "mtlsd/http/http_head.h"

static struct span without_newline(struct span text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '\n')
        text.len--;
    if (text.len > 0 && text.ptr[text.len - 1] == '\r')
        text.len--;
    return text;
}

/* As a field's value it would be trimmed or refused otherwise. */
static bool is_value(struct span value)
{
    if (value.len == 0 || value.ptr[0] == ' ' || value.ptr[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < ' ' || value.ptr[i] > '~')
            return false;
    return true;
}

int required_header_read(struct required_header *out, struct span text, struct err *err)
{
    struct span value = without_newline(text);
    if (value.len < REQUIRED_HEADER_LEAST)
        return err_set(err, ERR_CREDENTIAL, "is too short: write at least %d characters, as openssl rand -hex 32 makes them", REQUIRED_HEADER_LEAST);
    if (value.len > REQUIRED_HEADER_MOST)
        return err_set(err, ERR_CREDENTIAL, "is too long: write at most %d characters", REQUIRED_HEADER_MOST);
    if (!is_value(value))
        return err_set(err, ERR_CREDENTIAL, "must be one line of printable ASCII, without a space at an end");
    return tls_digest_sha256(value, out->digest) == 0 ? 0 : err_set(err, ERR_INTERNAL, "its digest cannot be made");
}

enum reason required_header_judge(const struct required_header *required, const struct http_head *head, struct err *err)
{
    uint8_t digest[TLS_DIGEST_SHA256_SIZE];
    const struct http_field *found = NULL;
    size_t n = 0;
    for (size_t i = 0; i < head->n_fields; i++) {
        if (!span_equals_nocase_str(head->fields[i].name, required->name))
            continue;
        found = &head->fields[i];
        n++;
    }
    if (n == 1 && tls_digest_sha256(found->value, digest) == 0 && span_equals_secret(span_of(digest, sizeof(digest)), span_of(required->digest, sizeof(digest))))
        return REASON_VALID;
    err_set(err, ERR_PROTOCOL, "the field %.80s %s, which require_header of the listener demands", required->name,
            n == 0 ? "is missing" : n > 1 ? "occurs more than once" : "has another value than the one");
    return REASON_HEADER_REQUIRED;
}
