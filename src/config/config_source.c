/* SPDX-License-Identifier: Apache-2.0 */
#include "config_source.h"
#include "mtlsd/base/lookalike.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TEXT_MAX_BYTES = 4 * 1024 * 1024,
    READ_BYTES = 64 * 1024,
    INCLUDE_MAX_DEPTH = 8,
    INCLUDE_MAX_FILES = 256,
    FOREIGN_MAX = 50 /* lines that are told of characters which only look right */
};

/* The nesting at the point where a file is read to. Strings and directives end with their line, so they are
 * not here. */
struct reading {
    struct config_source *s;
    struct findings *findings;
    unsigned file, line;
    unsigned include_depth;
    unsigned *foreign;     /* lines with a character that only looks right: reading goes on, so that all of them are told; shared with the including file */
    unsigned comment_line; /* where a block comment began, 0: in none */
    const uint8_t *begin;  /* of the line that is read */
};

void config_source_init(struct config_source *s)
{
    *s = (struct config_source){0};
    bytes_init(&s->text, TEXT_MAX_BYTES);
}

void config_source_clear(struct config_source *s)
{
    bytes_clear(&s->text);
    for (size_t i = 0; i < s->n_files; i++)
        free(s->files[i]);
    free(s->files);
    free(s->lines);
    config_source_init(s);
}

char *config_source_join(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (path[0] == '/' || slash == NULL)
        return strdup(path);
    size_t folder = (size_t)(slash - file) + 1, n = strlen(path) + 1;
    char *joined = malloc(folder + n);
    if (joined == NULL)
        return NULL;
    memcpy(joined, file, folder);
    memcpy(joined + folder, path, n);
    return joined;
}

const char *config_source_file(const struct config_source *s, unsigned line)
{
    return line >= 1 && line <= s->n_lines ? s->files[s->lines[line - 1].file] : s->files[0];
}

void config_source_where(const struct config_source *s, unsigned line, char *out, size_t out_size)
{
    if (s->n_lines == 0)
        snprintf(out, out_size, "%s", s->n_files > 0 ? s->files[0] : "");
    else
        snprintf(out, out_size, "%s:%u", config_source_file(s, line),
                 s->lines[line < 1            ? 0
                          : line > s->n_lines ? s->n_lines - 1
                                              : line - 1]
                     .line);
}

static int complain(const struct reading *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int complain(const struct reading *r, const char *fmt, ...)
{
    char where[PATH_MAX + 32], text[512];
    snprintf(where, sizeof(where), "%s:%u", r->s->files[r->file], r->line);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    findings_add(r->findings, FINDING_ERROR, where, "%s", text);
    return -1;
}

static int out_of_memory(struct findings *findings)
{
    findings->out_of_memory = 1;
    return -1;
}

static int add_file(struct config_source *s, const char *name, struct findings *findings)
{
    char **files = realloc(s->files, (s->n_files + 1) * sizeof(*files));
    if (files == NULL)
        return out_of_memory(findings);
    s->files = files;
    files[s->n_files] = strdup(name);
    if (files[s->n_files] == NULL)
        return out_of_memory(findings);
    s->n_files++;
    return 0;
}

static int add_line(const struct reading *r, struct span line)
{
    struct config_source *s = r->s;
    if (s->n_lines == 0 || (s->n_lines & (s->n_lines - 1)) == 0) {
        struct config_source_line *lines =
            realloc(s->lines, (s->n_lines == 0 ? 1 : s->n_lines * 2) * sizeof(*lines));
        if (lines == NULL)
            return out_of_memory(r->findings);
        s->lines = lines;
    }
    s->lines[s->n_lines++] = (struct config_source_line){r->file, r->line};
    if (bytes_append_span(&s->text, line) != 0 || bytes_append(&s->text, "\n", 1) != 0)
        return complain(r, "the configuration is larger than %d MiB: is this a configuration?",
                        TEXT_MAX_BYTES >> 20);
    return 0;
}

static void blank(uint8_t *from, const uint8_t *to)
{
    memset(from, ' ', (size_t)(to - from));
}

/* As a person counts: a character of several bytes is one column. */
static unsigned column_of(const struct reading *r, const uint8_t *p)
{
    unsigned column = 1;
    for (const uint8_t *c = r->begin; c < p; c++)
        column += (*c & 0xc0) != 0x80;
    return column;
}

static int complain_foreign(const struct reading *r, const uint8_t *p, const struct lookalike *l)
{
    char text[LOOKALIKE_TEXT];
    lookalike_explain(l, text);
    ++*r->foreign;
    return complain(r, "column %u: %s", column_of(r, p), text);
}

/* A string that does not end on its line: perhaps it was meant to end at a quote that is none. */
static void complain_open_string(const struct reading *r, const uint8_t *end)
{
    struct span line = span_of(r->begin, (size_t)(end - r->begin));
    size_t at = lookalike_find(line, "\"");
    struct lookalike l = lookalike_at(span_skip(line, at));
    if (l.len > 0)
        complain_foreign(r, line.ptr + at, &l);
    else
        complain(r, "the string is not closed on its line: look for a missing quote");
}

/* The rest of a string from behind its opening quote; NULL when something is wrong with it. */
static uint8_t *skip_string(const struct reading *r, uint8_t *p, const uint8_t *end)
{
    for (; p < end && *p != '"'; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            complain(r, "a control character in a string");
            return NULL;
        }
        if (*p == '\\' && end - p >= 4 && (p[1] == 'x' || p[1] == 'X') && p[2] == '0' && p[3] == '0') {
            complain(r, "\\x00 in a string would end it there");
            return NULL;
        }
        if (*p == '\\' && p + 1 < end && memchr("abv", p[1], 3) != NULL) {
            complain(r, "\\%c in a string is not the same to every version of libconfig: write \\\\%c for a backslash",
                     p[1], p[1]);
            return NULL;
        }
        if (*p == '\\' && p + 1 < end)
            p++;
    }
    if (p < end)
        return p + 1;
    complain_open_string(r, end);
    return NULL;
}

/* Blanks from p the rest of a block comment on this line; what follows it. */
static uint8_t *skip_comment(struct reading *r, uint8_t *p, uint8_t *end)
{
    uint8_t *close = memmem(p, (size_t)(end - p), "*/", 2);
    uint8_t *stop = close != NULL ? close + 2 : end;
    blank(p, stop);
    if (close != NULL)
        r->comment_line = 0;
    return stop;
}

/* One byte outside of strings and comments. NULL when it is refused. */
static uint8_t *skip_byte(const struct reading *r, uint8_t *p, const uint8_t *end)
{
    if (*p == '\r')
        *p = ' ';
    if (*p == '@') {
        complain(r, "only @include \"FILE\" alone on its line is allowed here");
        return NULL;
    }
    if (*p == '\'' || *p == '`') {
        complain(r, "column %u: write strings in double quotes: type \" in place of %c", column_of(r, p), *p);
        return NULL;
    }
    if (*p >= 0x80) {
        struct lookalike l = lookalike_at(span_of(p, (size_t)(end - p)));
        complain_foreign(r, p, &l);
        return NULL;
    }
    if ((*p < 0x20 && *p != '\t') || *p == 0x7f) {
        complain(r, "byte 0x%02x outside of a string: is this a text file?", *p);
        return NULL;
    }
    return p + 1;
}

/* Checks one line and blanks its comments in place. */
static int clean_line(struct reading *r, uint8_t *p, uint8_t *end)
{
    while (p != NULL && p < end) {
        if (r->comment_line == 0 && end - p >= 2 && p[0] == '/' && p[1] == '*') {
            r->comment_line = r->line;
            blank(p, p + 2);
            p += 2;
        }
        if (r->comment_line != 0) {
            p = skip_comment(r, p, end);
        } else if (*p == '#' || (end - p >= 2 && p[0] == '/' && p[1] == '/')) {
            blank(p, end);
            p = end;
        } else if (*p == '"') {
            p = skip_string(r, p + 1, end);
        } else {
            p = skip_byte(r, p, end);
        }
    }
    return p != NULL ? 0 : -1;
}

static int read_text(struct reading *r, struct span text);
static int read_file(const struct reading *r, const char *path, struct bytes *out, const char *where);

/* The file named by an @include line; empty when the line is none. */
static struct span include_target(struct span line, bool *is_include)
{
    line = span_trim(line);
    *is_include = line.len >= 8 && memcmp(line.ptr, "@include", 8) == 0;
    if (!*is_include)
        return span_of(NULL, 0);
    line = span_trim(span_skip(line, 8));
    const uint8_t *open = line.len > 0 && line.ptr[0] == '"' ? line.ptr + 1 : NULL;
    const uint8_t *close = open != NULL ? memchr(open, '"', line.len - 1) : NULL;
    if (close == NULL)
        return span_of(NULL, 0);
    struct span rest = span_trim(span_skip(line, (size_t)(close + 1 - line.ptr)));
    bool comment = rest.len > 0 && (rest.ptr[0] == '#' || rest.ptr[0] == '/');
    bool clean = (rest.len == 0 || comment || (rest.len == 1 && rest.ptr[0] == '\r')) &&
                 memchr(open, '\0', (size_t)(close - open)) == NULL;
    return clean ? span_of(open, (size_t)(close - open)) : span_of(NULL, 0);
}

/* An @include line that names no file. */
static int complain_include(const struct reading *r, struct span line)
{
    size_t at = lookalike_find(line, "\"");
    struct lookalike l = lookalike_at(span_skip(line, at));
    return l.len > 0 ? complain_foreign(r, line.ptr + at, &l) : complain(r, "write @include \"FILE\" alone on its line");
}

static int read_include(const struct reading *r, struct span target)
{
    if (r->include_depth == INCLUDE_MAX_DEPTH || r->s->n_files >= INCLUDE_MAX_FILES)
        return complain(r, "too many files included in one another: does a file include itself?");
    char where[PATH_MAX + 32];
    snprintf(where, sizeof(where), "%s:%u", r->s->files[r->file], r->line);
    char *name = span_dup(target);
    char *path = name != NULL ? config_source_join(r->s->files[r->file], name) : NULL;
    free(name);
    if (path == NULL)
        return out_of_memory(r->findings);
    struct reading inner = {.s = r->s, .findings = r->findings, .file = (unsigned)r->s->n_files,
                            .include_depth = r->include_depth + 1, .foreign = r->foreign};
    struct bytes content;
    bytes_init(&content, TEXT_MAX_BYTES);
    int rc = read_file(r, path, &content, where);
    if (rc == 0)
        rc = add_file(r->s, path, r->findings);
    free(path);
    if (rc == 0)
        rc = read_text(&inner, bytes_span(&content));
    bytes_clear(&content);
    return rc;
}

static int read_line(struct reading *r, struct span line)
{
    bool is_include = false;
    struct span target = r->comment_line == 0 ? include_target(line, &is_include) : span_of(NULL, 0);
    r->begin = line.ptr;
    if (is_include)
        return target.len > 0 ? read_include(r, target) : complain_include(r, line);
    struct bytes copy;
    bytes_init(&copy, TEXT_MAX_BYTES);
    int rc = bytes_append_span(&copy, line) != 0 ? out_of_memory(r->findings) : 0;
    if (rc == 0 && copy.len > 0) {
        r->begin = copy.data;
        rc = clean_line(r, copy.data, copy.data + copy.len);
    }
    if (rc == 0)
        rc = add_line(r, bytes_span(&copy));
    bytes_clear(&copy);
    return rc;
}

/* A pasted configuration with one typographic quote has many: a line with one is left out, and the next is read. */
static int read_next_line(struct reading *r, struct span line)
{
    unsigned before = *r->foreign;
    int rc = read_line(r, line);
    bool told = *r->foreign > before && *r->foreign < FOREIGN_MAX;
    return told ? 0 : rc;
}

static int read_text(struct reading *r, struct span text)
{
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = span_skip(text, 3); /* some editors put a byte order mark in front */
    if (text.len >= 2 && (memcmp(text.ptr, "\xff\xfe", 2) == 0 || memcmp(text.ptr, "\xfe\xff", 2) == 0)) {
        r->line = 1;
        return complain(r, "this file is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8 FILE)");
    }
    while (text.len > 0) {
        const uint8_t *newline = memchr(text.ptr, '\n', text.len);
        size_t n = newline != NULL ? (size_t)(newline - text.ptr) : text.len;
        r->line++;
        struct span line = span_of(text.ptr, n);
        if (line.len >= 11 && memcmp(line.ptr, "-----BEGIN ", 11) == 0)
            return complain(r, "this is a PEM file, a certificate or key, not a configuration");
        if (read_next_line(r, line) != 0)
            return -1;
        text = span_skip(text, newline != NULL ? n + 1 : n);
    }
    if (r->comment_line != 0) {
        r->line = r->comment_line;
        return complain(r, "the comment that begins here is not closed");
    }
    return 0;
}

/* The configuration itself is named by the place already, an included file is not. */
static int explain_open(const char *path, const char *where, int error, struct findings *findings)
{
    bool main_file = strcmp(path, where) == 0;
    const char *subject = main_file ? "the file" : path;
    if (error == ENOENT || error == ENOTDIR)
        findings_add(findings, FINDING_ERROR, where, "%s does not exist: check the name%s", subject,
                     main_file ? ", or begin with a copy of mtlsd.conf.sample" : "");
    else if (error == EACCES)
        findings_add(findings, FINDING_ERROR, where,
                     "%s may not be read by this user: check owner and mode of the file and its folders",
                     subject);
    else if (error == EISDIR)
        findings_add(findings, FINDING_ERROR, where, "%s is a folder: name the file in it", subject);
    else if (error == EFBIG)
        findings_add(findings, FINDING_ERROR, where, "%s is larger than %d MiB: is this a configuration?",
                     subject, TEXT_MAX_BYTES >> 20);
    else
        findings_add(findings, FINDING_ERROR, where, "%s cannot be read: %s", subject, strerror(error));
    return -1;
}

static int read_stream(FILE *file, struct bytes *out)
{
    struct stat facts;
    if (fstat(fileno(file), &facts) == 0 && S_ISDIR(facts.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    size_t n;
    do {
        uint8_t *room = bytes_reserve(out, READ_BYTES);
        if (room == NULL) {
            errno = EFBIG;
            return -1;
        }
        n = fread(room, 1, READ_BYTES, file);
        bytes_commit(out, n);
    } while (n > 0);
    return ferror(file) ? -1 : 0;
}

static int read_file(const struct reading *r, const char *path, struct bytes *out, const char *where)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return explain_open(path, where, errno, r->findings);
    int rc = read_stream(file, out);
    int error = errno;
    fclose(file);
    return rc == 0 ? 0 : explain_open(path, where, error, r->findings);
}

static int read_all(struct config_source *s, const char *name, const char *text, struct findings *findings)
{
    unsigned foreign = 0;
    struct reading r = {.s = s, .findings = findings, .foreign = &foreign};
    struct bytes content;
    bytes_init(&content, TEXT_MAX_BYTES);
    int rc = add_file(s, name, findings);
    if (rc == 0 && text == NULL)
        rc = read_file(&r, name, &content, name);
    if (rc == 0)
        rc = read_text(&r, text != NULL ? span_from_str(text) : bytes_span(&content));
    if (foreign > 0)
        rc = -1;
    if (rc == 0 && bytes_append(&s->text, "\0", 1) != 0)
        rc = out_of_memory(findings);
    bytes_clear(&content);
    return rc;
}

int config_source_load(struct config_source *s, const char *path, struct findings *findings)
{
    return read_all(s, path, NULL, findings);
}

int config_source_text(struct config_source *s, const char *text, const char *name, struct findings *findings)
{
    return read_all(s, name, text, findings);
}
