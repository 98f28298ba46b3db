/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log.h"

#include "mtlsd/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 16 * 1024,
    LINE_END_BYTES = 8,    /* kept free for what closes a line, so that a full line still ends well */
    VALUE_MAX_BYTES = 2048 /* a subject of 32 KiB is an attack, not information */
};

static struct {
    int level;  /* enum log_level; these two are read and written as one word each */
    int format; /* enum log_format */
    log_sink_fn sink;
    void *ctx;
    log_clock_fn clock;
} setup;

void log_setup(enum log_level level, enum log_format format, log_sink_fn sink, void *ctx, log_clock_fn clock)
{
    log_change(level, format);
    setup.sink = sink;
    setup.ctx = ctx;
    setup.clock = clock;
}

void log_change(enum log_level level, enum log_format format)
{
    __atomic_store_n(&setup.level, (int)level, __ATOMIC_RELAXED);
    __atomic_store_n(&setup.format, (int)format, __ATOMIC_RELAXED);
}

bool log_wants(enum log_level level)
{
    return setup.sink != NULL && (int)level <= __atomic_load_n(&setup.level, __ATOMIC_RELAXED);
}

enum log_format log_format_now(void)
{
    return (enum log_format)__atomic_load_n(&setup.format, __ATOMIC_RELAXED);
}

bool log_parts_accesses(enum log_format format)
{
    return format == LOG_FORMAT_COMBINED || format == LOG_FORMAT_SSL_REQUEST;
}

static const char *level_word(enum log_level level)
{
    static const char *const words[] = {"error", "warn", "info", "debug"};
    return words[level];
}

static void format_now(char out[32])
{
    double now = setup.clock != NULL ? setup.clock() : 0;
    int64_t whole = (int64_t)now; /* the program runs after 1970: towards zero is down */
    char date[21];
    text_utc(date, whole);
    snprintf(out, 32, "%.19s.%03uZ", date, (unsigned)((now - (double)whole) * 1000));
}

static void append_quoted(struct bytes *out, struct span value, const char *end)
{
    bytes_append(out, "\"", 1);
    text_append_json(out, value);
    bytes_append_str(out, end);
}

/* A word in a text line needs no quotes if it cannot be read as two words or as a key. */
static bool is_plain_word(struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.ptr[i];
        if (c <= 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '=')
            return false;
    }
    return value.len > 0;
}

static void append_key(struct log_line *l, const char *key)
{
    bytes_printf(&l->text, l->json ? ",\"%s\":" : " %s=", key);
}

static void append_value(struct log_line *l, struct span value)
{
    struct bytes *out = &l->text;
    bool cut = value.len > VALUE_MAX_BYTES;
    if (cut)
        value.len = VALUE_MAX_BYTES;
    if (!l->json && !cut && is_plain_word(value))
        bytes_append_span(out, value);
    else
        append_quoted(out, value, cut ? "...\"" : "\"");
}

static void append_start(struct log_line *l, const char *event, const char *message)
{
    char now[32];
    bool tells = message != NULL && message[0] != '\0';
    format_now(now);
    bytes_printf(&l->text, l->json ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %-5s %s", now, level_word(l->level), event);
    if (tells && l->json) {
        append_key(l, "message");
        append_value(l, span_from_str(message));
    } else if (tells) {
        bytes_append(&l->text, " ", 1);
        append_quoted(&l->text, span_from_str(message), "\"");
    }
}

static void begin(struct log_line *l, enum log_level level, const char *event, const char *message)
{
    enum log_format format = log_format_now();
    l->level = level;
    l->wanted = log_wants(level);
    l->json = format == LOG_FORMAT_JSON;
    if (log_parts_accesses(format))
        l->kind = LOG_EVENT;
    bytes_init(&l->text, LINE_MAX_BYTES - LINE_END_BYTES);
    if (l->wanted)
        append_start(l, event, message);
    if (l->text.failed) {
        bytes_clear(&l->text);
        l->wanted = false;
    }
}

void log_begin(struct log_line *l, enum log_level level, const char *event, const char *message)
{
    *l = (struct log_line){.kind = LOG_EVENT};
    begin(l, level, event, message);
}

void log_begin_access(struct log_line *l, enum log_level level, const char *event, const char *message)
{
    *l = (struct log_line){.kind = LOG_ACCESS};
    begin(l, level, event, message);
}

/* A field that does not fit is left out whole; the line stays readable by a program. */
static void keep_or_drop(struct log_line *l, size_t len_before)
{
    if (l->text.failed)
        l->text.len = len_before;
    l->text.failed = false;
}

void log_span(struct log_line *l, const char *key, struct span value)
{
    if (!l->wanted || value.len == 0)
        return;
    size_t before = l->text.len;
    append_key(l, key);
    append_value(l, value);
    keep_or_drop(l, before);
}

void log_str(struct log_line *l, const char *key, const char *value)
{
    log_span(l, key, span_from_str(value));
}

void log_uint(struct log_line *l, const char *key, uint64_t value)
{
    if (!l->wanted)
        return;
    size_t before = l->text.len;
    append_key(l, key);
    text_append_number(&l->text, value);
    keep_or_drop(l, before);
}

void log_ms(struct log_line *l, const char *key, uint64_t micros)
{
    if (!l->wanted)
        return;
    size_t before = l->text.len;
    char rest[4] = {'.', (char)('0' + micros / 100 % 10), (char)('0' + micros / 10 % 10), (char)('0' + micros % 10)};
    append_key(l, key);
    text_append_number(&l->text, micros / 1000);
    bytes_append(&l->text, rest, sizeof(rest));
    keep_or_drop(l, before);
}

void log_end(struct log_line *l)
{
    if (!l->wanted)
        return;
    l->wanted = false;
    l->text.max = LINE_MAX_BYTES;
    if (bytes_append_str(&l->text, l->json ? "}\n" : "\n") == 0)
        setup.sink(setup.ctx, l->kind, l->level, bytes_span(&l->text));
    bytes_clear(&l->text);
}

void log_access(struct span line)
{
    if (setup.sink != NULL)
        setup.sink(setup.ctx, LOG_ACCESS, LOG_LEVEL_INFO, line);
}

void log_say(enum log_level level, const char *event, const char *fmt, ...)
{
    if (!log_wants(level))
        return;
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof(message), fmt, args);
    va_end(args);
    struct log_line l;
    log_begin(&l, level, event, message);
    log_end(&l);
}
