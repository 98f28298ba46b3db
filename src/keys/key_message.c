/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/keys/key_message.h"

#include <string.h>

/* ---- writing ---- */

static void put(struct bytes *out, uint64_t n, unsigned size)
{
    uint8_t text[8];
    for (unsigned i = 0; i < size; i++)
        text[i] = (uint8_t)(n >> 8 * (size - 1 - i));
    bytes_append(out, text, size);
}

static void put_span(struct bytes *out, struct span s)
{
    put(out, s.len, 4);
    bytes_append_span(out, s);
}

static void put_err(struct bytes *out, const struct err *err)
{
    put(out, (unsigned)err->kind, 1);
    put_span(out, span_from_str(err->text));
}

/* Gives the place of the length, which is known at the end. */
static size_t begin(struct bytes *out, uint32_t number)
{
    size_t at = out->len;
    put(out, 0, 4);
    put(out, number, 4);
    return at;
}

static int end(struct bytes *out, size_t at, size_t most)
{
    size_t n = out->len - at - 4;
    if (out->failed || n > most)
        return -1;
    uint8_t *length = out->data + out->head + at;
    for (unsigned i = 0; i < 4; i++)
        length[i] = (uint8_t)(n >> 8 * (3 - i));
    return 0;
}

int key_message_request(struct bytes *out, uint32_t number, const struct key_request *r)
{
    size_t at = begin(out, number);
    put(out, (unsigned)r->kind, 1);
    if (r->kind == KEY_SIGN) {
        put(out, r->key, 8);
        put(out, (uint32_t)r->what.algorithm, 4);
        put(out, r->what.hashed, 1);
        put_span(out, r->what.input);
    } else if (r->kind == KEY_WORKLOAD) {
        put(out, r->wait, 1);
    } else if (r->kind == KEY_DROP) {
        put(out, r->key, 8);
    } else if (r->kind == KEY_ISSUE) {
        put(out, r->key, 8);
        put_span(out, r->hosts);
    } else if (r->kind == KEY_WRITE) {
        put(out, r->key, 8);
        put_span(out, r->certificate);
    } else if (r->kind != KEY_BECOME) {
        put(out, r->set, 4);
    }
    if (r->kind == KEY_READ_CA) {
        put_span(out, r->name);
        put_span(out, r->key_path);
        put_span(out, r->certificate_path);
        put_span(out, r->hosts);
    }
    if (r->kind == KEY_READ || r->kind == KEY_RENEW) {
        put_span(out, r->name);
        put_span(out, r->key_path);
        put_span(out, r->certificate_path);
        put_span(out, r->chain_path);
        put_span(out, r->passphrase_path);
        put(out, r->pkcs12, 1);
    }
    return end(out, at, KEY_REQUEST_MAX);
}

static unsigned flags_of(const struct identity_file *f)
{
    const struct file_access *a = &f->facts.access;
    return f->failed | f->empty << 1 | f->has_key << 2 | f->facts.is_folder << 3 | a->foreign_owner << 4 | a->foreign_group << 5 | a->read_only << 6;
}

static void put_file(struct bytes *out, const struct identity_file *f)
{
    const struct file_access *a = &f->facts.access;
    put(out, flags_of(f), 1);
    put(out, a->mode, 4);
    put(out, a->owner, 4);
    put(out, a->group, 4);
    put(out, a->us, 4);
    put_err(out, &f->err);
    put_span(out, bytes_span(&f->text));
}

static void put_facts(struct bytes *out, const struct key_answer *a)
{
    put(out, a->key, 8);
    put(out, (uint32_t)a->facts.algorithm, 4);
    put(out, a->facts.bits, 4);
    put(out, a->facts.line, 8);
    put(out, a->facts.torn, 1);
    bytes_append(out, a->facts.public_id, TLS_KEY_ID);
}

int key_message_answer(struct bytes *out, uint32_t number, const struct key_answer *a, const struct identity_files *files)
{
    size_t at = begin(out, number);
    put(out, a->fine, 1);
    put_err(out, &a->err);
    put(out, a->refused, 8);
    put_span(out, span_of(a->signature.bytes, a->signature.n));
    put_span(out, a->workload);
    put(out, files != NULL, 1);
    if (files != NULL) {
        put_file(out, &files->key);
        put_file(out, &files->certificate);
        put_file(out, &files->chain);
        put_file(out, &files->passphrase);
        put_err(out, &files->fault);
        put(out, a->unlocked, 1);
        put(out, a->has_key, 1);
        if (a->has_key)
            put_facts(out, a);
    }
    return end(out, at, KEY_ANSWER_MAX);
}

/* ---- reading ---- */

struct reader {
    struct span rest;
    bool bad; /* sticky: what is read from then on is 0 */
};

static uint64_t take(struct reader *r, unsigned size)
{
    uint64_t n = 0;
    if (r->bad || r->rest.len < size) {
        r->bad = true;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        n = n << 8 | r->rest.ptr[i];
    r->rest = span_skip(r->rest, size);
    return n;
}

static bool take_bool(struct reader *r)
{
    uint64_t n = take(r, 1);
    r->bad = r->bad || n > 1;
    return n == 1;
}

static struct span take_span(struct reader *r, size_t most)
{
    size_t n = (size_t)take(r, 4);
    if (r->bad || n > most || n > r->rest.len) {
        r->bad = true;
        return (struct span){0};
    }
    struct span s = span_of(r->rest.ptr, n);
    r->rest = span_skip(r->rest, n);
    return s;
}

/* Becomes a C string, so no byte of it may be zero. */
static struct span take_text(struct reader *r, size_t most)
{
    struct span s = take_span(r, most);
    if (s.len > 0 && memchr(s.ptr, 0, s.len) != NULL)
        r->bad = true;
    return s;
}

static void take_err(struct reader *r, struct err *out)
{
    uint64_t kind = take(r, 1);
    struct span text = take_text(r, sizeof(out->text) - 1);
    r->bad = r->bad || kind > ERR_INTERNAL;
    *out = (struct err){0};
    if (r->bad)
        return;
    out->kind = (enum err_kind)kind;
    memcpy(out->text, text.len > 0 ? (const char *)text.ptr : "", text.len);
}

static int finish(const struct reader *r)
{
    return r->bad || r->rest.len > 0 ? -1 : 0;
}

int key_message_frame(struct span bytes, size_t most, uint32_t *number, struct span *message, size_t *used)
{
    struct reader r = {bytes, false};
    if (bytes.len < KEY_HEAD_BYTES)
        return 0;
    size_t n = (size_t)take(&r, 4);
    *number = (uint32_t)take(&r, 4);
    if (n < 4 || n > most)
        return -1;
    if (r.rest.len < n - 4)
        return 0;
    *message = span_of(r.rest.ptr, n - 4);
    *used = n + 4;
    return 1;
}

int key_message_read_request(struct span message, struct key_request *out)
{
    struct reader r = {message, false};
    *out = (struct key_request){.kind = (enum key_request_kind)take(&r, 1)};
    switch (out->kind) {
    case KEY_SIGN:
        out->key = take(&r, 8);
        out->what.algorithm = (int)(uint32_t)take(&r, 4);
        out->what.hashed = take_bool(&r);
        out->what.input = take_span(&r, KEY_REQUEST_MAX);
        return finish(&r);
    case KEY_WRITE:
        out->key = take(&r, 8);
        out->certificate = take_span(&r, KEY_REQUEST_MAX);
        return finish(&r);
    case KEY_READ:
    case KEY_RENEW:
        out->set = (uint32_t)take(&r, 4);
        out->name = take_text(&r, KEY_REQUEST_MAX);
        out->key_path = take_text(&r, KEY_REQUEST_MAX);
        out->certificate_path = take_text(&r, KEY_REQUEST_MAX);
        out->chain_path = take_text(&r, KEY_REQUEST_MAX);
        out->passphrase_path = take_text(&r, KEY_REQUEST_MAX);
        out->pkcs12 = take_bool(&r);
        return out->key_path.len == 0 ? -1 : finish(&r);
    case KEY_READ_CA:
        out->set = (uint32_t)take(&r, 4);
        out->name = take_text(&r, KEY_REQUEST_MAX);
        out->key_path = take_text(&r, KEY_REQUEST_MAX);
        out->certificate_path = take_text(&r, KEY_REQUEST_MAX);
        out->hosts = take_text(&r, KEY_REQUEST_MAX);
        return out->key_path.len == 0 || out->certificate_path.len == 0 ? -1 : finish(&r);
    case KEY_ISSUE:
        out->key = take(&r, 8);
        out->hosts = take_text(&r, KEY_REQUEST_MAX);
        return finish(&r);
    case KEY_DROP:
        out->key = take(&r, 8);
        return finish(&r);
    case KEY_RELEASE:
        out->set = (uint32_t)take(&r, 4);
        return finish(&r);
    case KEY_BECOME:
        return finish(&r);
    case KEY_WORKLOAD:
        out->wait = take_bool(&r);
        return finish(&r);
    }
    return -1;
}

static void take_file(struct reader *r, struct identity_file *f)
{
    unsigned flags = (unsigned)take(r, 1);
    f->failed = (flags & 1) != 0;
    f->empty = (flags & 2) != 0;
    f->has_key = (flags & 4) != 0;
    f->facts.is_folder = (flags & 8) != 0;
    f->facts.access = (struct file_access){.foreign_owner = (flags & 16) != 0, .foreign_group = (flags & 32) != 0, .read_only = (flags & 64) != 0};
    f->facts.access.mode = (unsigned)take(r, 4);
    f->facts.access.owner = (unsigned)take(r, 4);
    f->facts.access.group = (unsigned)take(r, 4);
    f->facts.access.us = (unsigned)take(r, 4);
    take_err(r, &f->err);
    struct span text = take_span(r, KEY_ANSWER_MAX);
    bytes_init(&f->text, KEY_ANSWER_MAX);
    r->bad = bytes_append_span(&f->text, text) != 0 || r->bad;
}

static void take_facts(struct reader *r, struct key_answer *out)
{
    out->key = take(r, 8);
    out->facts.algorithm = (int)(uint32_t)take(r, 4);
    out->facts.bits = (unsigned)take(r, 4);
    out->facts.line = (size_t)take(r, 8);
    out->facts.torn = take_bool(r);
    for (size_t i = 0; i < TLS_KEY_ID; i++)
        out->facts.public_id[i] = (uint8_t)take(r, 1);
}

int key_message_read_answer(struct span message, struct key_answer *out, struct identity_files *files)
{
    struct reader r = {message, false};
    *out = (struct key_answer){.fine = take_bool(&r)};
    take_err(&r, &out->err);
    out->refused = take(&r, 8);
    struct span signature = take_span(&r, TLS_SIGNATURE_MAX);
    out->signature.n = signature.len;
    if (signature.len > 0)
        memcpy(out->signature.bytes, signature.ptr, signature.len);
    out->workload = take_span(&r, KEY_ANSWER_MAX);
    bool has_files = take_bool(&r);
    if (has_files && files == NULL)
        return -1;
    if (!has_files)
        return files != NULL && out->fine ? -1 : finish(&r);
    take_file(&r, &files->key);
    take_file(&r, &files->certificate);
    take_file(&r, &files->chain);
    take_file(&r, &files->passphrase);
    take_err(&r, &files->fault);
    out->unlocked = take_bool(&r);
    out->has_key = take_bool(&r);
    if (out->has_key)
        take_facts(&r, out);
    return finish(&r);
}
