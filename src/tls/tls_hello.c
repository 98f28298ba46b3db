/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_hello.h"

#include "mtlsd/base/hostname.h"

#include <string.h>

enum { HANDSHAKE = 22, CLIENT_HELLO = 1, RECORD_MAX = 1 << 14, MESSAGE_HEAD = 4, RANDOM = 32, SESSION_MAX = 32 };
enum { SERVER_NAME = 0, HOST_NAME = 0, ALPN = 16, EXTENSIONS_MAX = 128 };

void tls_hello_init(struct tls_hello *h)
{
    *h = (struct tls_hello){.why = ""};
    bytes_init(&h->message, MESSAGE_HEAD + TLS_HELLO_MAX);
}

void tls_hello_clear(struct tls_hello *h)
{
    bytes_clear(&h->message);
}

static enum tls_hello_found bad(struct tls_hello *h, const char *why)
{
    h->why = why;
    return TLS_HELLO_BAD;
}

/* ---- the message ---- */

static bool take_number(struct span *in, size_t bytes, size_t *out)
{
    if (in->len < bytes)
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | in->ptr[i];
    *in = span_skip(*in, bytes);
    return true;
}

/* A vector whose length stands before it, in so many bytes. */
static bool take_vector(struct span *in, size_t bytes, struct span *out)
{
    size_t len;
    if (!take_number(in, bytes, &len) || len > in->len)
        return false;
    *out = span_of(in->ptr, len);
    *in = span_skip(*in, len);
    return true;
}

/* One host name, and no other kind of name. */
static const char *read_server_name(struct tls_hello *h, struct span extension)
{
    struct span list, name;
    size_t type;
    if (!take_vector(&extension, 2, &list) || extension.len > 0 || !take_number(&list, 1, &type) || type != HOST_NAME || !take_vector(&list, 2, &name) ||
        list.len > 0)
        return "the client's ClientHello has a malformed server name";
    if (name.len >= sizeof(h->server_name) || memchr(name.ptr, 0, name.len) != NULL || !hostname_is_well_formed(name))
        return "the client's server name is not a host name";
    memcpy(h->server_name, name.ptr, name.len);
    h->server_name[name.len] = '\0';
    return NULL;
}

static void add_protocol(struct tls_hello *h, struct span name)
{
    size_t at = strlen(h->alpn);
    const char *comma = at > 0 ? ", " : "";
    if (at + strlen(comma) + name.len >= sizeof(h->alpn))
        return;
    memcpy(h->alpn + at, comma, strlen(comma));
    at += strlen(comma);
    for (size_t i = 0; i < name.len; i++)
        h->alpn[at + i] = name.ptr[i] > ' ' && name.ptr[i] < 0x7f ? (char)name.ptr[i] : '.';
    h->alpn[at + name.len] = '\0';
}

static const char *read_alpn(struct tls_hello *h, struct span extension)
{
    static const char malformed[] = "the client's ClientHello has malformed application protocols (ALPN)";
    struct span list, name;
    if (!take_vector(&extension, 2, &list) || extension.len > 0 || list.len == 0)
        return malformed;
    while (list.len > 0) {
        if (!take_vector(&list, 1, &name) || name.len == 0)
            return malformed;
        add_protocol(h, name);
    }
    return NULL;
}

/* NULL, or what is wrong. */
static const char *read_extensions(struct tls_hello *h, struct span extensions)
{
    bool seen[2] = {false, false};
    const char *why = NULL;
    for (size_t n = 0; extensions.len > 0 && why == NULL; n++) {
        size_t type;
        struct span value;
        if (n == EXTENSIONS_MAX || !take_number(&extensions, 2, &type) || !take_vector(&extensions, 2, &value))
            return "the client's ClientHello has malformed extensions";
        if (type != SERVER_NAME && type != ALPN)
            continue;
        if (seen[type == ALPN])
            return "the client's ClientHello has an extension twice";
        seen[type == ALPN] = true;
        why = type == ALPN ? read_alpn(h, value) : read_server_name(h, value);
    }
    return why;
}

static enum tls_hello_found read_message(struct tls_hello *h)
{
    struct span in = span_skip(bytes_span(&h->message), MESSAGE_HEAD), session, suites, compressions, extensions = {NULL, 0};
    if (in.len < 2 + RANDOM || in.ptr[0] != 3)
        return bad(h, "the client's ClientHello is malformed");
    in = span_skip(in, 2 + RANDOM);
    if (!take_vector(&in, 1, &session) || session.len > SESSION_MAX || !take_vector(&in, 2, &suites) || suites.len < 2 || suites.len % 2 != 0 ||
        !take_vector(&in, 1, &compressions) || compressions.len == 0)
        return bad(h, "the client's ClientHello is malformed");
    if (in.len > 0 && (!take_vector(&in, 2, &extensions) || in.len > 0))
        return bad(h, "the client's ClientHello is malformed");
    const char *why = read_extensions(h, extensions);
    return why == NULL ? TLS_HELLO_WHOLE : bad(h, why);
}

/* ---- its records ---- */

static enum tls_hello_found begin_record(struct tls_hello *h)
{
    size_t len = (size_t)h->head[3] << 8 | h->head[4];
    if (h->head[0] != HANDSHAKE || h->head[1] != 3)
        return bad(h, "the client does not speak TLS");
    if (len == 0 || len > RECORD_MAX)
        return bad(h, "the client's first TLS record has a length that none may have");
    h->left = len;
    h->n_head = 0;
    return TLS_HELLO_MORE;
}

/* The part of the message that is there so far. */
static enum tls_hello_found look(struct tls_hello *h)
{
    struct span in = bytes_span(&h->message);
    if (in.len > 0 && in.ptr[0] != CLIENT_HELLO)
        return bad(h, "the client's first TLS message is not a ClientHello");
    if (in.len < MESSAGE_HEAD)
        return TLS_HELLO_MORE;
    size_t len = (size_t)in.ptr[1] << 16 | (size_t)in.ptr[2] << 8 | in.ptr[3];
    if (len > TLS_HELLO_MAX)
        return bad(h, "the client's ClientHello is too long");
    if (in.len < MESSAGE_HEAD + len)
        return TLS_HELLO_MORE;
    if (in.len > MESSAGE_HEAD + len || h->left > 0)
        return bad(h, "the client's ClientHello is followed by another message before the server answers");
    return read_message(h);
}

static enum tls_hello_found take_body(struct tls_hello *h, struct span *wire)
{
    size_t n = wire->len < h->left ? wire->len : h->left;
    size_t room = MESSAGE_HEAD + TLS_HELLO_MAX - h->message.len;
    if (n > room)
        return bad(h, "the client's ClientHello is too long");
    if (bytes_append(&h->message, wire->ptr, n) != 0)
        return bad(h, "out of memory");
    h->left -= n;
    *wire = span_skip(*wire, n);
    return look(h);
}

enum tls_hello_found tls_hello_in(struct tls_hello *h, struct span wire)
{
    enum tls_hello_found found = TLS_HELLO_MORE;
    while (wire.len > 0 && found == TLS_HELLO_MORE) {
        if (h->left > 0) {
            size_t before = wire.len;
            found = take_body(h, &wire);
            h->wire += before - wire.len;
        } else {
            h->head[h->n_head++] = wire.ptr[0];
            wire = span_skip(wire, 1);
            h->wire++;
            found = h->n_head == sizeof(h->head) ? begin_record(h) : TLS_HELLO_MORE;
        }
        if (found == TLS_HELLO_MORE && h->wire >= TLS_HELLO_WIRE_MAX)
            found = bad(h, "the client's ClientHello is cut into too many records");
    }
    return found;
}

struct span tls_hello_refusal(void)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 112};
    return span_of(alert, sizeof(alert));
}
