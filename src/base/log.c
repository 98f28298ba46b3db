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
    int take;   /* enum log_what */
    log_sink_fn sink;
    void *ctx;
    log_clock_fn clock;
} setup = {.take = LOG_ALL};

enum { LEVELS = LOG_LEVEL_DEBUG + 1 };

/* The kinds of lines that the other logs take, each a bit 1 << format; written while threads log, each as one word. */
static struct {
    unsigned requests, refusals;
    unsigned events[LEVELS];
    log_other_fn write;
} others;

static unsigned take_word(const unsigned *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

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

void log_take(unsigned what)
{
    __atomic_store_n(&setup.take, (int)what, __ATOMIC_RELAXED);
}

void log_also(const struct log_other *list, size_t n, log_other_fn write)
{
    unsigned requests = 0, refusals = 0, events[LEVELS] = {0};
    for (size_t i = 0; i < n; i++) {
        unsigned form = 1U << list[i].format;
        requests |= list[i].what & LOG_REQUESTS ? form : 0;
        refusals |= list[i].what & LOG_REFUSALS ? form : 0;
        for (int level = 0; level <= (int)list[i].level && (list[i].what & LOG_EVENTS) != 0; level++)
            events[level] |= form;
    }
    __atomic_store_n(&others.write, write, __ATOMIC_RELEASE);
    __atomic_store_n(&others.requests, requests, __ATOMIC_RELEASE);
    __atomic_store_n(&others.refusals, refusals, __ATOMIC_RELEASE);
    for (int level = 0; level < LEVELS; level++)
        __atomic_store_n(&others.events[level], events[level], __ATOMIC_RELEASE);
}

static bool main_wants(enum log_level level)
{
    return setup.sink != NULL && (int)level <= __atomic_load_n(&setup.level, __ATOMIC_RELAXED);
}

bool log_wants(enum log_level level)
{
    return main_wants(level) || take_word(&others.events[level]) != 0;
}

enum log_format log_format_now(void)
{
    return (enum log_format)__atomic_load_n(&setup.format, __ATOMIC_RELAXED);
}

bool log_parts_accesses(enum log_format format)
{
    return format >= LOG_FORMAT_COMBINED;
}

static bool main_takes(unsigned what)
{
    return (what & LOG_NOT_IN_MAIN) == 0 && (what & (unsigned)__atomic_load_n(&setup.take, __ATOMIC_RELAXED)) != 0;
}

unsigned log_access_formats(void)
{
    enum log_format format = log_format_now();
    unsigned forms = take_word(&others.requests);
    if (setup.sink != NULL && main_takes(LOG_REQUESTS))
        forms |= 1U << format;
    return forms & ~(1U << LOG_FORMAT_TEXT | 1U << LOG_FORMAT_JSON);
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

static void append_key(struct bytes *out, bool json, const char *key)
{
    bytes_printf(out, json ? ",\"%s\":" : " %s=", key);
}

static void append_value(struct bytes *out, bool json, struct span value)
{
    bool cut = value.len > VALUE_MAX_BYTES;
    if (cut)
        value.len = VALUE_MAX_BYTES;
    if (!json && !cut && is_plain_word(value))
        bytes_append_span(out, value);
    else
        append_quoted(out, value, cut ? "...\"" : "\"");
}

static void append_start(struct log_line *l, bool json, const char *event, const char *message)
{
    char now[32];
    struct bytes *out = &l->form[json];
    bool tells = message != NULL && message[0] != '\0';
    format_now(now);
    bytes_printf(out, json ? "{\"time\":\"%s\",\"level\":\"%s\",\"event\":\"%s\"" : "%s %-5s %s", now, level_word(l->level), event);
    if (tells && json) {
        append_key(out, json, "message");
        append_value(out, json, span_from_str(message));
    } else if (tells) {
        bytes_append(out, " ", 1);
        append_quoted(out, span_from_str(message), "\"");
    }
}

/* The forms that other logs take it in. */
static unsigned forms_of(unsigned what, enum log_level level)
{
    unsigned forms = (what & LOG_EVENTS) != 0 ? take_word(&others.events[level]) : 0;
    forms |= (what & LOG_REQUESTS) != 0 ? take_word(&others.requests) : 0;
    forms |= (what & LOG_REFUSALS) != 0 ? take_word(&others.refusals) : 0;
    return forms;
}

static void begin_form(struct log_line *l, bool json, const char *event, const char *message)
{
    bytes_init(&l->form[json], LINE_MAX_BYTES - LINE_END_BYTES);
    append_start(l, json, event, message);
    if (l->form[json].failed) {
        bytes_clear(&l->form[json]);
        l->needs[json] = false;
    }
}

void log_begin_as(struct log_line *l, unsigned what, enum log_level level, const char *event, const char *message)
{
    enum log_format format = log_format_now();
    unsigned forms = forms_of(what, level);
    *l = (struct log_line){.what = what, .level = level, .format = format, .main = main_wants(level) && main_takes(what)};
    l->kind = (what & LOG_REQUESTS) != 0 && !log_parts_accesses(format) ? LOG_ACCESS : LOG_EVENT;
    l->needs[1] = (forms & 1U << LOG_FORMAT_JSON) != 0 || (l->main && format == LOG_FORMAT_JSON);
    l->needs[0] = (forms & 1U << LOG_FORMAT_TEXT) != 0 || (l->main && format != LOG_FORMAT_JSON);
    for (int json = 0; json < 2; json++)
        if (l->needs[json])
            begin_form(l, json, event, message);
    l->wanted = l->needs[0] || l->needs[1];
}

void log_begin(struct log_line *l, enum log_level level, const char *event, const char *message)
{
    log_begin_as(l, LOG_EVENTS, level, event, message);
}

/* A field that does not fit is left out whole; the line stays readable by a program. */
static void keep_or_drop(struct bytes *out, size_t len_before)
{
    if (out->failed)
        out->len = len_before;
    out->failed = false;
}

void log_span(struct log_line *l, const char *key, struct span value)
{
    if (!l->wanted || value.len == 0)
        return;
    for (int json = 0; json < 2; json++) {
        struct bytes *out = &l->form[json];
        size_t before = out->len;
        if (!l->needs[json])
            continue;
        append_key(out, json, key);
        append_value(out, json, value);
        keep_or_drop(out, before);
    }
}

void log_str(struct log_line *l, const char *key, const char *value)
{
    log_span(l, key, span_from_str(value));
}

static void append_digits(struct log_line *l, const char *key, uint64_t value, struct span rest)
{
    for (int json = 0; json < 2 && l->wanted; json++) {
        struct bytes *out = &l->form[json];
        size_t before = out->len;
        if (!l->needs[json])
            continue;
        append_key(out, json, key);
        text_append_number(out, value);
        bytes_append_span(out, rest);
        keep_or_drop(out, before);
    }
}

void log_uint(struct log_line *l, const char *key, uint64_t value)
{
    append_digits(l, key, value, span_of(NULL, 0));
}

void log_ms(struct log_line *l, const char *key, uint64_t micros)
{
    char rest[4] = {'.', (char)('0' + micros / 100 % 10), (char)('0' + micros / 10 % 10), (char)('0' + micros % 10)};
    append_digits(l, key, micros / 1000, span_of(rest, sizeof(rest)));
}

static void tell_others(unsigned what, enum log_level level, enum log_format format, struct span line)
{
    const struct log_other about = {what, level, format};
    log_other_fn write = __atomic_load_n(&others.write, __ATOMIC_ACQUIRE);
    if (write != NULL)
        write(&about, line);
}

void log_end(struct log_line *l)
{
    if (!l->wanted)
        return;
    l->wanted = false;
    unsigned forms = forms_of(l->what, l->level);
    for (int json = 0; json < 2; json++) {
        struct bytes *out = &l->form[json];
        enum log_format form = json ? LOG_FORMAT_JSON : LOG_FORMAT_TEXT;
        if (!l->needs[json])
            continue;
        out->max = LINE_MAX_BYTES;
        bool whole = bytes_append_str(out, json ? "}\n" : "\n") == 0;
        if (whole && l->main && json == (l->format == LOG_FORMAT_JSON))
            setup.sink(setup.ctx, l->kind, l->level, bytes_span(out));
        if (whole && (forms & 1U << form) != 0)
            tell_others(l->what, l->level, form, bytes_span(out));
        bytes_clear(out);
    }
}

void log_access(enum log_format format, struct span line)
{
    if (setup.sink != NULL && log_format_now() == format && main_takes(LOG_REQUESTS))
        setup.sink(setup.ctx, LOG_ACCESS, LOG_LEVEL_INFO, line);
    if ((take_word(&others.requests) & 1U << format) != 0)
        tell_others(LOG_REQUESTS, LOG_LEVEL_INFO, format, line);
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
