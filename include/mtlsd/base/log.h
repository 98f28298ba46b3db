/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event. A line is built field by field and written whole. Values are escaped, so that a peer cannot forge
 * a line. The sink is the only mutable global of the program (level, format, destination); set it before threads start.
 * Level and format may change while threads log.
 *
 * There are two kinds of lines: accesses, one per request or tcp connection, and events, all others. In the formats text
 * and json both look the same. The other formats are those of web servers and patterns of their own, and have accesses only: the caller writes the
 * access line itself (log_access), and events are written as text.
 *
 * Beside the main log there may be others, each with its own format and kinds of lines (log_also). A line is built once for each form that any of
 * them takes; without others it is built once, as before.
 */
#ifndef MTLSD_BASE_LOG_H
#define MTLSD_BASE_LOG_H

#include "mtlsd/base/bytes.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
/* The last is one of LOG_PATTERNS: a log's own pattern is LOG_FORMAT_PATTERN and its number (base/log_pattern.h). */
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON, LOG_FORMAT_COMBINED, LOG_FORMAT_SSL_REQUEST, LOG_FORMAT_PATTERN };
enum log_kind { LOG_EVENT, LOG_ACCESS };
/* The kinds of lines, as bits: of one line, and of all that a log takes. A refused request is two of them. */
enum log_what { LOG_REQUESTS = 1, LOG_EVENTS = 2, LOG_REFUSALS = 4, LOG_ALL = 7, LOG_NOT_IN_MAIN = 8 };

/* line ends with a newline and is borrowed for the call. Called from any thread. */
typedef void (*log_sink_fn)(void *ctx, enum log_kind kind, enum log_level level, struct span line);
/* The same for the other logs: one call for each form; what is of the line, and a log takes it once. */
struct log_other {
    unsigned what;
    enum log_level level;
    enum log_format format;
};
typedef void (*log_other_fn)(const struct log_other *about, struct span line);
/* Seconds since 1970 with a fraction; the log does not read the clock itself. */
typedef double (*log_clock_fn)(void);

void log_setup(enum log_level level, enum log_format format, log_sink_fn sink, void *ctx, log_clock_fn clock);
void log_change(enum log_level level, enum log_format format);
/* The kinds of lines that the main log takes; LOG_ALL at first. */
void log_take(unsigned what);
/* The other logs, in place of those before: level is for events, requests and refusals are always written. */
void log_also(const struct log_other *others, size_t n, log_other_fn write);
bool log_wants(enum log_level level); /* an event of that level, in any log */
enum log_format log_format_now(void);
/* Of the formats that part accesses, those that a log takes requests in: a bit 1 << format for each. */
unsigned log_access_formats(void);
/* True for patterns and the formats of web servers: accesses are lines of their own kind, and events may have another destination. */
bool log_parts_accesses(enum log_format format);

struct log_line {
    struct bytes form[2]; /* as text and as JSON */
    bool needs[2];
    bool main;            /* the main log takes it */
    unsigned what;
    enum log_level level;
    enum log_kind kind;
    enum log_format format; /* of the main log */
    bool wanted; /* false: every call below is a no-op */
};

/* event is a short stable word ("request", "refused", "reload"), message a sentence for people, left out when NULL or empty. */
void log_begin(struct log_line *l, enum log_level level, const char *event, const char *message);
/* The same for an access, with LOG_REQUESTS, or for an event that refuses; in a format that parts accesses the main log has it as an event beside them. */
void log_begin_as(struct log_line *l, unsigned what, enum log_level level, const char *event, const char *message);
void log_str(struct log_line *l, const char *key,
             const char *value); /* NULL or empty: the field is left out */
void log_span(struct log_line *l, const char *key, struct span value);
void log_uint(struct log_line *l, const char *key, uint64_t value);
void log_ms(struct log_line *l, const char *key,
            uint64_t micros);     /* written as milliseconds with three digits */
void log_end(struct log_line *l); /* hands the line to the sink and frees it */

/* A complete access line with its newline, for the logs of that format, one that separates accesses. The level does not suppress it: an access log is
 * complete. */
void log_access(enum log_format format, struct span line);

/* An event that needs no fields. */
void log_say(enum log_level level, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
