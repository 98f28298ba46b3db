/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C3 (smuggling) and B7 (truncation): what is read, what is refused, and that no cut of the input
 * changes either. */
#include "mtlsd/http/http1.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { MAX_HEAD = 4096, MAX_FIELDS = 32, MAX_TRANSCRIPT = 16384 };

/* What was read, as text: every event with all it carries; body bytes that follow each other are one run,
 * however they were cut. */
struct transcript {
    char text[MAX_TRANSCRIPT];
    size_t len;
    bool in_data;
};

static void say(struct transcript *t, const void *text, size_t n)
{
    ck_assert_uint_lt(t->len + n, sizeof(t->text));
    memcpy(t->text + t->len, text, n);
    t->len += n;
    t->text[t->len] = '\0';
}

static void say_str(struct transcript *t, const char *text)
{
    say(t, text, strlen(text));
}

static void say_span(struct transcript *t, struct span s)
{
    say_str(t, "<");
    if (s.len > 0)
        say(t, s.ptr, s.len);
    say_str(t, ">");
}

static void say_fields(struct transcript *t, const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        say_span(t, h->fields[i].name);
        say_span(t, h->fields[i].value);
    }
    say_str(t, "\n");
}

static void say_head(struct transcript *t, const struct http_head *h)
{
    char numbers[96];
    static const char *const framings[] = {"none", "length", "chunked", "close"};
    snprintf(numbers, sizeof(numbers), "HEAD 1.%u %u %s %llu %s ", h->minor, h->status, framings[h->framing],
             (unsigned long long)h->length, h->keep_alive ? "keep" : "drop");
    say_str(t, numbers);
    say_span(t, h->method);
    say_span(t, h->target);
    say_span(t, h->phrase);
    say_fields(t, h);
}

static void say_bad(struct transcript *t, const struct http1 *p)
{
    char text[32];
    snprintf(text, sizeof(text), "BAD %d ", (int)http1_reason(p));
    say_str(t, text);
    say_str(t, http1_detail(p));
    say_str(t, "\n");
}

static void say_event(struct transcript *t, const struct http1 *p, enum http1_event e, struct span data)
{
    if (t->in_data && e != HTTP1_DATA && e != HTTP1_MORE) {
        say_str(t, "\n");
        t->in_data = false;
    }
    switch (e) {
    case HTTP1_MORE:
        break;
    case HTTP1_HEAD:
        say_head(t, http1_head(p));
        break;
    case HTTP1_DATA:
        if (!t->in_data)
            say_str(t, "DATA ");
        t->in_data = true;
        ck_assert_uint_gt(data.len, 0);
        say(t, data.ptr, data.len);
        break;
    case HTTP1_TRAILERS:
        say_str(t, "TRAILERS ");
        say_fields(t, http1_head(p));
        break;
    case HTTP1_END:
        say_str(t, "END\n");
        break;
    case HTTP1_BAD:
        say_bad(t, p);
        break;
    }
}

/* The piece is copied to memory of exactly its size, so that a read past it or after it is seen by the
 * sanitizer. */
static enum http1_event feed(struct http1 *p, struct transcript *t, const char *bytes, size_t n)
{
    uint8_t *piece = malloc(n > 0 ? n : 1);
    memcpy(piece, bytes, n);
    struct span in = span_of(piece, n), data = {NULL, 0};
    enum http1_event e;
    do {
        e = http1_next(p, &in, &data);
        say_event(t, p, e, data);
    } while (e != HTTP1_MORE && e != HTTP1_BAD);
    ck_assert(e == HTTP1_BAD || in.len == 0);
    free(piece);
    return e;
}

struct raw {
    const char *why;
    const char *bytes;
    size_t n; /* 0: as long as the string */
    bool response;
    bool no_body; /* the answer to HEAD */
};

static size_t length_of(const struct raw *r)
{
    return r->n > 0 ? r->n : strlen(r->bytes);
}

static struct http1 *reader_for(const struct raw *r)
{
    struct http1 *p = http1_new(!r->response, MAX_HEAD, MAX_FIELDS);
    ck_assert_ptr_nonnull(p);
    if (r->no_body)
        http1_expect_no_body(p);
    return p;
}

/* Reads the whole in pieces of at most step bytes, with one more cut at the offset, then the end of the
 * stream. */
static enum http1_event read_cut(const struct raw *r, size_t step, size_t cut, struct transcript *t)
{
    struct http1 *p = reader_for(r);
    *t = (struct transcript){.len = 0};
    size_t n = length_of(r), at = 0;
    enum http1_event e = HTTP1_MORE;
    while (at < n && e != HTTP1_BAD) {
        size_t to = at + step < n ? at + step : n;
        if (at < cut && cut < to)
            to = cut;
        e = feed(p, t, r->bytes + at, to - at);
        at = to;
    }
    e = http1_eof(p);
    say_event(t, p, e, (struct span){NULL, 0});
    http1_free(p);
    return e;
}

static void no_cut_changes(const struct raw *r, const struct transcript *whole)
{
    struct transcript cut;
    size_t n = length_of(r);
    for (size_t at = 1; at < n; at++) {
        read_cut(r, n, at, &cut);
        ck_assert_msg(strcmp(cut.text, whole->text) == 0, "%s: cut at %zu:\n%s\nwhole:\n%s", r->why, at,
                      cut.text, whole->text);
    }
    read_cut(r, 1, 0, &cut);
    ck_assert_msg(strcmp(cut.text, whole->text) == 0, "%s: byte by byte:\n%s\nwhole:\n%s", r->why, cut.text,
                  whole->text);
}

#include "raw_good.h"

START_TEST(reads_well_formed_messages_the_same_over_every_cut)
{
    const struct good *g = &good[_i];
    struct transcript whole;
    enum http1_event e = read_cut(&g->raw, length_of(&g->raw), 0, &whole);
    ck_assert_msg(e != HTTP1_BAD, "%s: refused:\n%s", g->raw.why, whole.text);
    ck_assert_msg(strcmp(whole.text, g->read) == 0, "%s: read as\n%s\nnot as\n%s", g->raw.why, whole.text,
                  g->read);
    no_cut_changes(&g->raw, &whole);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http1");
    TCase *tc = tcase_create("reading");
    tcase_add_loop_test(tc, reads_well_formed_messages_the_same_over_every_cut, 0,
                        (int)(sizeof(good) / sizeof(good[0])));
    suite_add_tcase(s, tc);
    return s;
}
