/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_csr_names.h"

#include "tls_dn.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN_BYTES = 200 };

struct walk {
    const char *file;
    struct tls_csr_names *out;
    struct err *err;
    bool has_cn;
};

static int check_value(void *ctx, struct span oid, const struct tls_der *value)
{
    (void)ctx;
    (void)oid;
    return tls_dn_is_text(value) && !tls_dn_has_controls(value->value) ? 0 : -1;
}

int tls_csr_names_check_subject(const struct tls_cert *cert, const char *file, struct err *err)
{
    if (tls_cert_each_attribute(cert->subject, check_value, NULL) != 0)
        return err_set(err, ERR_CREDENTIAL,
                       "%s: a value of its subject is not plain text, or has control characters: make a new request with UTF-8 text", file);
    if (tls_cert_count_cns(cert) > 1)
        return err_set(err, ERR_CREDENTIAL, "%s: its subject has several CNs, of which programs read different ones: make a new request with one", file);
    return 0;
}

/* Printable ASCII without spaces. */
static bool is_graphic(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return text.len > 0;
}

static bool is_address(struct span text)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t raw[16];
    if (text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    return inet_pton(AF_INET, copy, raw) == 1 || inet_pton(AF_INET6, copy, raw) == 1;
}

static bool is_uri(struct span text)
{
    const uint8_t *colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;
    return is_graphic(text) && colon != NULL && colon > text.ptr && colon + 1 < text.ptr + text.len;
}

static bool is_email(struct span text)
{
    const uint8_t *at = text.len > 0 ? memchr(text.ptr, '@', text.len) : NULL;
    return is_graphic(text) && at != NULL && at > text.ptr && hostname_is_well_formed(span_skip(text, (size_t)(at - text.ptr) + 1));
}

static int refuse(const struct walk *w, const char *type, struct span value, const char *what)
{
    char shown[SHOWN_BYTES];
    size_t n = value.len < sizeof(shown) - 1 ? value.len : sizeof(shown) - 1;
    for (size_t i = 0; i < n; i++)
        shown[i] = value.ptr[i] >= ' ' && value.ptr[i] <= '~' ? (char)value.ptr[i] : '?';
    shown[n] = '\0';
    return err_set(w->err, ERR_CREDENTIAL, "%s: its name %s:%s is not %s: make a new request, or give the names with --san", w->file, type, shown, what);
}

static int add(const struct walk *w, const char *type, struct span value)
{
    struct tls_csr_names *out = w->out;
    if (out->n == TLS_CSR_NAMES_MAX)
        return err_set(w->err, ERR_CREDENTIAL, "%s: it has more than %d names: make a new request with fewer, or give them with --san", w->file,
                       TLS_CSR_NAMES_MAX);
    size_t at = out->text.len;
    if (bytes_append_str(&out->text, type) != 0 || bytes_append_str(&out->text, ":") != 0 || bytes_append_span(&out->text, value) != 0 ||
        bytes_append(&out->text, "", 1) != 0)
        return err_set(w->err, ERR_MEMORY, "out of memory");
    out->items[out->n++] = (const char *)bytes_span(&out->text).ptr + at;
    return 0;
}

static int add_ip(const struct walk *w, struct span raw)
{
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(raw.len == 4 ? AF_INET : AF_INET6, raw.ptr, text, sizeof(text)) == NULL)
        return refuse(w, "ip", raw, "an address");
    return add(w, "ip", span_from_str(text));
}

static int on_name(void *ctx, const struct tls_name *name)
{
    struct walk *w = ctx;
    switch (name->type) {
    case TLS_NAME_CN:
        w->has_cn = w->has_cn || name->value.len > 0;
        return 0;
    case TLS_NAME_OU:
    case TLS_NAME_O:
        return 0;
    case TLS_NAME_DNS:
        return hostname_is_pattern(name->value) && !is_address(name->value) ? add(w, "dns", hostname_without_last_dot(name->value))
                                                                            : refuse(w, "dns", name->value, "a host name");
    case TLS_NAME_IP:
        return add_ip(w, name->value);
    case TLS_NAME_URI:
        return is_uri(name->value) ? add(w, "uri", name->value) : refuse(w, "uri", name->value, "a URI");
    case TLS_NAME_EMAIL:
        return is_email(name->value) ? add(w, "email", name->value) : refuse(w, "email", name->value, "a mail address");
    case TLS_NAME_OTHER:
        break;
    }
    return err_set(w->err, ERR_CREDENTIAL,
                   "%s: one of its names is of another type than DNS, IP, URI and email, or an address of a strange length: give the names with --san", w->file);
}

int tls_csr_names_read(const struct tls_cert *cert, const char *file, struct tls_csr_names *out, struct err *err)
{
    struct walk w = {file, out, err, false};
    size_t room = cert->der.len + (size_t)TLS_CSR_NAMES_MAX * INET6_ADDRSTRLEN;
    bytes_init(&out->text, room);
    if (bytes_reserve(&out->text, room) == NULL) /* so that the names stay where they are */
        return err_set(err, ERR_MEMORY, "out of memory");
    if (tls_cert_each_name(cert, on_name, &w) != 0)
        return err_set(err, ERR_CREDENTIAL, "%s: its names are malformed: make a new request, or give the names with --san", file);
    if (out->n > 0 || w.has_cn)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "%s: it has no name, neither a CN nor a subjectAltName: make a new request with one, or give a name with --san", file);
}

void tls_csr_names_clear(struct tls_csr_names *names)
{
    bytes_clear(&names->text);
    names->n = 0;
}
