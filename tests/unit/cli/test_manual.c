/* SPDX-License-Identifier: Apache-2.0 */
/* The tables in packaging/man/mtlsd.conf.5 are written from the tables in the code. Run this test with MTLSD_WRITE_MANUAL=1 to renew them. */
#include "mtlsd/base/variable.h"
#include "mtlsd/config/config.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_engine.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define PAGE "../packaging/man/mtlsd.conf.5"
#define PAGE_MAX 262144
#define LINE_MAX_BYTES 76

static char page[PAGE_MAX];

static void load_page(void)
{
    FILE *f = fopen(PAGE, "rb");
    ck_assert_msg(f != NULL, PAGE " cannot be opened");
    size_t n = fread(page, 1, sizeof(page) - 1, f);
    fclose(f);
    ck_assert_uint_lt(n, sizeof(page) - 1);
    page[n] = '\0';
}

static void put(struct bytes *out, const char *text)
{
    ck_assert_int_eq(bytes_append_str(out, text), 0);
}

/* A word that roff may not take for a request or an escape. */
static void put_word(struct bytes *out, const char *word, size_t n, bool first)
{
    if (first && (word[0] == '.' || word[0] == '\''))
        put(out, "\\&");
    for (size_t i = 0; i < n; i++) {
        if (word[i] == '\\')
            put(out, "\\e");
        else
            ck_assert_int_eq(bytes_append(out, word + i, 1), 0);
    }
}

/* Wraps at the width roff asks for and begins each sentence on a line of its own, for its spacing. Ends without a line end. */
static void put_text(struct bytes *out, const char *text, size_t column)
{
    bool sentence_ends = false;
    for (const char *word = text; *word != '\0';) {
        size_t n = strcspn(word, " ");
        if (word != text) {
            bool wrap = sentence_ends || column + n > LINE_MAX_BYTES;
            put(out, wrap ? "\n" : " ");
            column = wrap ? 0 : column + 1;
        }
        put_word(out, word, n, column == 0);
        column += n;
        sentence_ends = n > 0 && word[n - 1] == '.';
        word += n + (word[n] == ' ' ? 1 : 0);
    }
}

static void put_fact(struct bytes *out, const char *before, const char *fact)
{
    if (fact[0] == '\0')
        return;
    put(out, before);
    put_text(out, fact, strlen(before));
    put(out, ".\n");
}

static const struct {
    const char *group, *title, *about;
} groups[] = {
    {"", "Top level", "Keys outside of any group."},
    {"admin", "admin", ""},
    {"log", "log", ""},
    {"named_log", "logs.NAME", "A log beside the main one, which stays as it is."},
    {"limits", "limits", ""},
    {"identity", "identities.NAME", "A certificate chain with its key that we present."},
    {"identity.renew", "identities.NAME.renew", "Without this group another program renews the files (RENEWAL)."},
    {"registry", "registries.NAME", "A database of certificates (REGISTRIES)."},
    {"trust", "trusts.NAME", "The CAs, revocation lists and rules that a peer is verified with. The trust \"system\" is built in."},
    {"upstream", "upstreams.NAME", "Where connections go."},
    {"upstream.tls", "upstreams.NAME.tls", "Without this group an upstream is plaintext."},
    {"upstream.sticky", "upstreams.NAME.sticky", ""},
    {"upstream.health", "upstreams.NAME.health", ""},
    {"upstream.timeouts", "upstreams.NAME.timeouts", ""},
    {"upstream.pool", "upstreams.NAME.pool", ""},
    {"listener", "listeners.NAME", "Where connections come in."},
    {"listener.tls", "listeners.NAME.tls", "Without this group a listener is plaintext."},
    {"listener.timeouts", "listeners.NAME.timeouts", ""},
    {"listener.forward_proxy", "listeners.NAME.forward_proxy", "Without this group a listener is no forward proxy."},
    {"listener.forward_proxy.intercept", "listeners.NAME.forward_proxy.intercept", "Without this group TLS in a tunnel to the host of a route is refused."},
    {"listener.require_header", "listeners.NAME.require_header", "Without this group no header is required."},
    {"target", "Keys of a target", "For a target that is more than an address."},
    {"route", "Keys of a route",
     "All keys that match must match; without any, everything does. One of upstream, redirect, respond and deny says what happens."},
    {"route.respond", "Keys of respond", "For an answer with a text: a help page needs no server."},
    {"sni", "Keys of an identity by server name", "An exact name goes before a suffix, a longer suffix before a shorter one."},
    {"allow", "Keys of an allow rule",
     "A key holds when any name of that kind in the certificate matches. A * stands for any run inside one label or segment, ** across them."},
};

static void put_option(struct bytes *out, const struct config_option *o)
{
    put(out, ".It Ic ");
    put(out, o->key);
    put(out, " Pq ");
    put(out, o->type);
    put(out, o->required ? ", required\n" : "\n");
    put_text(out, o->help, 0);
    put(out, "\n");
    put_fact(out, "Values: ", o->bounds);
    put_fact(out, "Default: ", o->fallback);
    put_fact(out, "Example: ", o->example);
    if (!o->reloadable)
        put(out, "A change needs a restart.\n");
}

static size_t write_group(struct bytes *out, size_t g)
{
    size_t n, written = 0;
    const struct config_option *options = config_options(&n);
    put(out, ".Ss ");
    put(out, groups[g].title);
    put(out, "\n");
    if (groups[g].about[0] != '\0') {
        put_text(out, groups[g].about, 0);
        put(out, "\n");
    }
    put(out, ".Bl -tag -width Ds\n");
    for (size_t i = 0; i < n; i++) {
        if (strcmp(options[i].group, groups[g].group) != 0)
            continue;
        put_option(out, &options[i]);
        written++;
    }
    put(out, ".El\n");
    return written;
}

static void write_keys(struct bytes *out)
{
    size_t n, written = 0;
    config_options(&n);
    for (size_t g = 0; g < sizeof(groups) / sizeof(groups[0]); g++)
        written += write_group(out, g);
    ck_assert_msg(written == n, "%zu keys of the table are in a group that this test does not know", n - written);
}

/* What stands for the reason where words cannot. */
static void write_numbers(struct bytes *out, const struct reason_row *row)
{
    const char *before = "";
    if (row->http_status != 0) {
        ck_assert_int_eq(bytes_printf(out, "HTTP %u", row->http_status), 0);
        before = ", ";
    }
    if (row->alert >= 0) {
        ck_assert_int_eq(bytes_printf(out, "%salert %s", before, tls_alert_name(row->alert)), 0);
        before = ", ";
    }
    if (row->openssl_error >= 0) {
        ck_assert_int_eq(bytes_printf(out, "%sOpenSSL number %d", before, row->openssl_error), 0);
        before = ", ";
    }
    if (before[0] != '\0')
        put(out, ".\n");
}

static void write_reasons(struct bytes *out)
{
    put(out, ".Bl -tag -width Ds\n");
    for (enum reason reason = REASON_VALID; reason < REASON_COUNT; reason++) {
        const struct reason_row *row = reason_row(reason);
        ck_assert_int_eq(bytes_printf(out, ".It Ic %s\n", row->word), 0);
        put_text(out, row->title, 0);
        put(out, ".\n");
        write_numbers(out, row);
        put(out, "What to do: ");
        put_text(out, row->hint, strlen("What to do: "));
        put(out, ".\n");
    }
    put(out, ".El\n");
}

static void write_variables_of(struct bytes *out, bool logs)
{
    put(out, ".Bl -tag -width Ds\n");
    for (unsigned v = 0; v < VARIABLE_COUNT; v++) {
        const struct variable_row *row = variable_row((enum variable)v);
        if ((row->source == VARIABLE_OF_LOG) != logs)
            continue;
        ck_assert_int_eq(bytes_printf(out, ".It Li {%s}\n", row->word), 0);
        put_text(out, row->help, 0);
        put(out, "\n");
    }
    put(out, ".El\n");
}

static void write_variables(struct bytes *out)
{
    write_variables_of(out, false);
}

static void write_log_variables(struct bytes *out)
{
    write_variables_of(out, true);
}

/* Puts expected between two marks of the page. */
static void rewrite(const char *from, const char *to, struct span expected)
{
    FILE *f = fopen(PAGE, "wb");
    ck_assert_ptr_nonnull(f);
    fwrite(page, 1, (size_t)(from - page), f);
    fwrite(expected.ptr, 1, expected.len, f);
    fputs(to, f);
    ck_assert_int_eq(fclose(f), 0);
}

static void compare(const char *name, void (*write)(struct bytes *out))
{
    char begin[64], end[64];
    struct bytes expected;
    bytes_init(&expected, PAGE_MAX);
    write(&expected);
    load_page();
    snprintf(begin, sizeof(begin), ".\\\" begin %s\n", name);
    snprintf(end, sizeof(end), ".\\\" end %s\n", name);
    const char *from = strstr(page, begin), *to = strstr(page, end);
    ck_assert_msg(from != NULL && to != NULL && from < to, PAGE ": the marks of %s are missing", name);
    from += strlen(begin);
    if (getenv("MTLSD_WRITE_MANUAL") != NULL)
        rewrite(from, to, bytes_span(&expected));
    else
        ck_assert_msg(span_equals(span_of(from, (size_t)(to - from)), bytes_span(&expected)),
                      "packaging/man/mtlsd.conf.5 is out of date: run this test with MTLSD_WRITE_MANUAL=1");
    bytes_clear(&expected);
}

START_TEST(the_keys_in_the_manual_are_those_of_the_table)
{
    compare("keys", write_keys);
}
END_TEST

START_TEST(the_reasons_in_the_manual_are_those_of_the_table)
{
    compare("reasons", write_reasons);
}
END_TEST

START_TEST(the_variables_in_the_manual_are_those_of_the_table)
{
    compare("variables", write_variables);
    compare("variables of logs", write_log_variables);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("manual");
    TCase *t = tcase_create("all");
    tcase_add_test(t, the_keys_in_the_manual_are_those_of_the_table);
    tcase_add_test(t, the_variables_in_the_manual_are_those_of_the_table);
    tcase_add_test(t, the_reasons_in_the_manual_are_those_of_the_table);
    suite_add_tcase(s, t);
    return s;
}
