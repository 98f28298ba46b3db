/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C2 and C15: a value stays in its place, whatever it holds, and no redirect leads to a host that a client chose. */
#include "mtlsd/base/template.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of every variable of a form; NULL: none. */
static const char *value_of[VARIABLE_PEM + 1];
static bool is_unfit;

static void give(void *ctx, const struct template_part *part, struct template_value *out)
{
    (void)ctx;
    out->unfit = is_unfit;
    if (part->variable % 2 == 0)
        bytes_append_str(&out->made, value_of[variable_row(part->variable)->form] != NULL ? value_of[variable_row(part->variable)->form] : "");
    else
        out->text = span_from_str(value_of[variable_row(part->variable)->form]);
}

static struct template *take(const char *text)
{
    struct err err = {0};
    struct template *t = template_new(span_from_str(text), TEMPLATE_OF_VALUE, &err);
    ck_assert_msg(t != NULL, "%s: %s", text, err.text);
    return t;
}

static const char *write_as(const char *text, enum template_place place, enum template_result wanted)
{
    static char got[64 * 1024];
    struct bytes out;
    struct template *t = take(text);
    bytes_init(&out, 1 << 20);
    bytes_append_str(&out, "before"); /* what stands there already is no part of it */
    ck_assert_int_eq(template_write(t, place, give, NULL, &out), wanted);
    snprintf(got, sizeof(got), "%.*s", (int)(out.len - 6), (const char *)bytes_span(&out).ptr + 6);
    bytes_clear(&out);
    free(t);
    return got;
}

static void setup(void)
{
    memset(value_of, 0, sizeof(value_of));
    is_unfit = false;
}

START_TEST(text_without_variables_stays_as_it_is)
{
    ck_assert_str_eq(write_as("plain <b> \xc3\xbc", TEMPLATE_IN_HTML, TEMPLATE_WRITTEN), "plain <b> \xc3\xbc");
    ck_assert_str_eq(write_as("{{a}} }x}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "{a} }x}");
    ck_assert_str_eq(write_as("", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "");
}
END_TEST

START_TEST(a_value_is_not_looked_at_again)
{
    value_of[VARIABLE_TEXT] = "{cert.cn}{{";
    ck_assert_str_eq(write_as("a{cert.cn}b", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "a{cert.cn}{{b");
}
END_TEST

/* C8 */
static const struct {
    const char *why, *text, *value, *line;
} logged[] = {
    {"a word", "{cert.cn} {cert.cn}", "a", "a a"},
    {"C8: a space would be two words", "{cert.cn}", "a b", "a\\x20b"},
    {"C8: between quotes it is none", "\"{cert.cn}\" {cert.cn}", "a b", "\"a b\" a\\x20b"},
    {"C8: another line", "{cert.cn} \"{cert.cn}\"", "a\r\nb", "a\\x0d\\x0ab \"a\\u000d\\u000ab\""},
    {"C8: a terminal", "{cert.cn} \"{cert.cn}\"", "\x1b[2J\x7f", "\\x1b[2J\\x7f \"\\u001b[2J\\u007f\""},
    {"C8: an end of the quotes", "{cert.cn} \"{cert.cn}\"", "\"\\", "\\\"\\\\ \"\\\"\\\\\""},
    {"C8: beyond ASCII", "{cert.cn} \"{cert.cn}\"", "\xc3\xa4", "\\xc3\\xa4 \"\\u00e4\""},
    {"C8: no character", "\"{cert.cn}\"", "\xff\xfe", "\"\\u00ff\\u00fe\""},
    {"nothing", "{cert.cn} \"{cert.cn}\"", "", "- \"-\""},
    {"a quote in braces", "{{\"a\":\"{cert.cn}\"}}", "b", "{\"a\":\"b\"}"},
};

START_TEST(a_value_in_a_log_is_one_word) /* C8 */
{
    struct err err = {0};
    struct bytes out;
    struct template *t = template_new(span_from_str(logged[_i].text), TEMPLATE_OF_LOG, &err);
    ck_assert_msg(t != NULL, "%s: %s", logged[_i].why, err.text);
    value_of[VARIABLE_TEXT] = logged[_i].value;
    bytes_init(&out, 1 << 20);
    ck_assert_int_ne(template_write(t, TEMPLATE_IN_LOG, give, NULL, &out), TEMPLATE_FAILED);
    ck_assert_msg(span_equals_str(bytes_span(&out), logged[_i].line), "%s: %.*s", logged[_i].why, (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    free(t);
}
END_TEST

START_TEST(a_long_value_in_a_log_is_cut) /* C8 */
{
    static char value[64 * 1024 + 1];
    struct bytes out;
    struct template *t = template_new(span_from_str("{cert.cn} \"{cert.cn}\""), TEMPLATE_OF_LOG, NULL);
    memset(value, 1, sizeof(value) - 1);
    value_of[VARIABLE_TEXT] = value;
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(template_write(t, TEMPLATE_IN_LOG, give, NULL, &out), TEMPLATE_WRITTEN);
    ck_assert_uint_eq(out.len, 1024 * 4 + 3 + 1 + 1 + 1024 * 6 + 3 + 1);
    bytes_clear(&out);
    is_unfit = true;
    ck_assert_int_ne(template_write(t, TEMPLATE_IN_LOG, give, NULL, &out), TEMPLATE_FAILED);
    ck_assert(span_equals_str(bytes_span(&out), "- \"-\""));
    bytes_clear(&out);
    free(t);
}
END_TEST

static const struct {
    enum template_syntax syntax;
    const char *text, *why;
} misplaced[] = {
    {TEMPLATE_OF_VALUE, "{status}", "{status} is known when the request has ended: it can stand in formats of logs only"},
    {TEMPLATE_OF_VALUE, "{request.referer}", "{request.referer} is known when the request has ended"},
    {TEMPLATE_OF_FILE, "{request.user_agent}", "{request.user_agent} is known when the request has ended"},
    {TEMPLATE_OF_LOG, "{cert.pem}", "{cert.pem} is too long for a log: write {cert.sha256}"},
    {TEMPLATE_OF_LOG, "{cert.der}", "{cert.der} is too long for a log"},
    {TEMPLATE_OF_LOG, "{statsu}", "there is no variable {statsu}: did you mean {status}?"},
};

START_TEST(a_variable_of_another_place_is_refused)
{
    struct err err = {0};
    ck_assert_ptr_null(template_new(span_from_str(misplaced[_i].text), misplaced[_i].syntax, &err));
    ck_assert_msg(strncmp(err.text, misplaced[_i].why, strlen(misplaced[_i].why)) == 0, "%s: %s", misplaced[_i].text, err.text);
}
END_TEST

static const struct {
    const char *text, *why;
} mistakes[] = {
    {"{cert.cm}", "there is no variable {cert.cm}: did you mean {cert.cn}?"},
    {"{nothing.like.it}", "there is no variable {nothing.like.it}: write {{ if the brace is text"},
    {"a{", "\"{\" is not a variable: write {NAME}, as in {cert.cn}, or {{ for a brace"},
    {"{cert.cn", "\"{cert.cn\" is not a variable"},
    {"{ cert.cn }", "\"{ cert.cn }\" is not a variable"},
    {"{}", "\"{}\" is not a variable"},
    {"{CERT.CN}", "\"{CERT.CN}\" is not a variable"},
    {"{cert.cn}{", "\"{\" is not a variable"},
    {"%{SSL_PROTOCOL}x", "\"{SSL_PROTOCOL}x\" is not a variable"},
};

START_TEST(a_mistake_is_named_with_what_to_write)
{
    struct err err = {0};
    ck_assert_ptr_null(template_new(span_from_str(mistakes[_i].text), TEMPLATE_OF_VALUE, &err));
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_msg(strncmp(err.text, mistakes[_i].why, strlen(mistakes[_i].why)) == 0, "%s: %s", mistakes[_i].text, err.text);
}
END_TEST

START_TEST(a_file_keeps_the_braces_of_style_sheets_and_scripts)
{
    static const char page[] = "<style>p{color:red}@media x{{a}}</style><script>if(a){return}`${status} ${time}`</script>{a} {";
    struct err err = {0};
    struct template *t = template_new(span_from_str(page), TEMPLATE_OF_FILE, &err);
    ck_assert_ptr_nonnull(t);
    ck_assert_uint_eq(t->n, 1);
    ck_assert(span_equals_str(t->parts[0].text, page));
    free(t);
    ck_assert_ptr_null(template_new(span_from_str("<p>{cert.sbject}"), TEMPLATE_OF_FILE, &err));
    ck_assert_str_eq(err.text, "line 1: there is no variable {cert.sbject}: did you mean {cert.subject}?");
    err_clear(&err);
    ck_assert_ptr_null(template_new(span_from_str("\n\n<p>{tls.x}"), TEMPLATE_OF_FILE, &err));
    ck_assert_int_eq(strncmp(err.text, "line 3: ", 8), 0);
    t = template_new(span_from_str("{cert.cn}"), TEMPLATE_WITHOUT_VARIABLES, &err);
    ck_assert(t != NULL && t->n_values == 0);
    free(t);
}
END_TEST

START_TEST(a_field_cannot_be_ended_by_a_value) /* C2 */
{
    value_of[VARIABLE_TEXT] = "a\r\nX: y\",;\\";
    ck_assert_str_eq(write_as("n=\"{cert.cn}\"", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "n=\"a%0D%0AX: y%22%2C%3B%5C\"");
    ck_assert_str_eq(write_as("{cert.cn}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "a%0D%0AX: y%22%2C%3B%5C");
    value_of[VARIABLE_DN] = "CN=a\\;b,O=\xc3\xbc 100%";
    ck_assert_str_eq(write_as("{cert.subject}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "CN=a\\;b,O=%C3%BC 100%25");
    ck_assert_str_eq(write_as("{cert.subject}; role=user", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "CN=a%5C%3Bb%2CO=%C3%BC 100%25; role=user");
    value_of[VARIABLE_LIST] = "DNS:a%2Cb, URI:c";
    ck_assert_str_eq(write_as("{cert.san}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "DNS:a%2Cb, URI:c");
    value_of[VARIABLE_TARGET] = "/a%20b,c?d=\"";
    ck_assert_str_eq(write_as("{request.uri}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "/a%20b,c?d=\"");
    ck_assert_str_eq(write_as("uri=\"{request.uri}\"", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "uri=\"/a%20b%2Cc?d=%22\"");
    value_of[VARIABLE_PEM] = "-----BEGIN-----\nA+/=\n";
    ck_assert_str_eq(write_as("{cert.pem}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "-----BEGIN-----%0AA%2B%2F%3D%0A");
}
END_TEST

START_TEST(each_other_place_encodes_for_itself)
{
    value_of[VARIABLE_TEXT] = "<b>\"\n";
    ck_assert_str_eq(write_as("<p>{cert.cn}", TEMPLATE_IN_HTML, TEMPLATE_WRITTEN), "<p>&#x3C;b&#x3E;&#x22;\n");
    ck_assert_str_eq(write_as("{{\"cn\":\"{cert.cn}\"}", TEMPLATE_IN_JSON, TEMPLATE_WRITTEN), "{\"cn\":\"<b>\\\"\\u000a\"}");
    ck_assert_str_eq(write_as("{cert.cn}", TEMPLATE_IN_PLAIN, TEMPLATE_WRITTEN), "<b>\"\n");
    ck_assert_str_eq(write_as("/x?error={cert.cn}&a", TEMPLATE_IN_URI, TEMPLATE_WRITTEN), "/x?error=%3Cb%3E%22%0A&a");
}
END_TEST

static const struct {
    const char *text, *target, *value, *location;
} redirects[] = {
    {"https://new.example{request.uri}", "/a%20b?c=d&e", NULL, "https://new.example/a%20b?c=d&e"},
    {"https://new.example{request.uri}", "//evil.example/", NULL, "https://new.example//evil.example/"},
    {"https://new.example{request.uri}", "@evil.example", NULL, "https://new.example/@evil.example"},
    {"https://new.example{request.uri}", ".evil.example", NULL, "https://new.example/.evil.example"},
    {"https://new.example/app{request.uri}", "/a", NULL, "https://new.example/app/a"},
    {"{request.uri}", "/a", NULL, "/a"},
    {"{request.uri}", "//evil.example/", NULL, "/evil.example/"},
    {"{request.uri}", "/\\evil.example/", NULL, "/evil.example/"},
    {"{request.uri}", "\\/\\/evil.example/", NULL, "/evil.example/"},
    {"/{request.uri}", "//evil.example/", NULL, "/evil.example/"},
    {"/{cert.cn}/x.example", "", NULL, "/x.example"},
    {"/{cert.cn}{request.uri}", "//evil.example/", NULL, "/evil.example/"},
    {"/{cert.cn}/x", "", "//evil.example", "/%2F%2Fevil.example/x"},
    {"/{cert.cn}/x", "", "..", "/x"},
    {"/a/{cert.cn}/x", "", "..", "/a//x"},
    {"/a?to={request.uri}", "/b?c=d&e", NULL, "/a?to=%2Fb%3Fc%3Dd%26e"},
    {"/a#{request.uri}", "/b", NULL, "/a#%2Fb"},
    {"{request.uri}/", "/a\"<>", NULL, "/a%22%3C%3E/"},
};

START_TEST(a_redirect_goes_to_no_host_that_a_client_chose) /* C15 */
{
    value_of[VARIABLE_TARGET] = redirects[_i].target;
    value_of[VARIABLE_TEXT] = redirects[_i].value;
    struct template *t = take(redirects[_i].text);
    struct bytes out;
    bytes_init(&out, 4096);
    (void)template_write(t, TEMPLATE_IN_URI, give, NULL, &out);
    struct span got = bytes_span(&out);
    ck_assert_msg(span_equals_str(got, redirects[_i].location), "%s of %s: %.*s", redirects[_i].text, redirects[_i].target, (int)got.len,
                  (const char *)got.ptr);
    bytes_clear(&out);
    free(t);
}
END_TEST

START_TEST(the_parts_of_a_uri_are_told_apart)
{
    static const struct {
        const char *text;
        enum template_uri_part at;
    } rows[] = {{"{route}", TEMPLATE_URI_BEGIN},       {"https{route}", TEMPLATE_URI_BEGIN},      {"https:/{route}", TEMPLATE_URI_BEGIN},
                {"https://{route}", TEMPLATE_URI_HOST}, {"https://a:{route}", TEMPLATE_URI_HOST},  {"https://a/{route}", TEMPLATE_URI_PATH},
                {"/{route}", TEMPLATE_URI_PATH},        {"/a?{route}", TEMPLATE_URI_QUERY},        {"https://a?{route}", TEMPLATE_URI_QUERY},
                {"/a#/{route}", TEMPLATE_URI_QUERY}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct template *t = take(rows[i].text);
        ck_assert_msg(t->parts[t->n - 1].at == rows[i].at, "%s", rows[i].text);
        free(t);
    }
}
END_TEST

START_TEST(a_value_is_whole_or_left_out)
{
    static char longest[TEMPLATE_VALUE_MAX + 2];
    memset(longest, 'a', TEMPLATE_VALUE_MAX);
    value_of[VARIABLE_TEXT] = longest;
    ck_assert_uint_eq(strlen(write_as("{cert.cn}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN)), TEMPLATE_VALUE_MAX);
    ck_assert_str_eq(write_as("x{cert.cn}", TEMPLATE_IN_FIELD, TEMPLATE_UNFIT), "");
    ck_assert_uint_eq(strlen(write_as("x{cert.cn}", TEMPLATE_IN_HTML, TEMPLATE_WRITTEN)), TEMPLATE_VALUE_MAX + 1);
    longest[0] = '<';
    ck_assert_str_eq(write_as("x{cert.cn}y", TEMPLATE_IN_HTML, TEMPLATE_UNFIT), "xy");
    longest[TEMPLATE_VALUE_MAX] = 'a';
    ck_assert_str_eq(write_as("{cert.cn}", TEMPLATE_IN_FIELD, TEMPLATE_UNFIT), "");
    ck_assert_str_eq(write_as("x{cert.cn}y", TEMPLATE_IN_PLAIN, TEMPLATE_UNFIT), "xy");
    value_of[VARIABLE_TEXT] = "a";
    is_unfit = true;
    ck_assert_str_eq(write_as("x{cert.cn}y", TEMPLATE_IN_FIELD, TEMPLATE_UNFIT), "");
    ck_assert_str_eq(write_as("x{cert.cn}y", TEMPLATE_IN_URI, TEMPLATE_UNFIT), "xy");
}
END_TEST

START_TEST(a_text_whose_variables_have_no_value_says_so)
{
    ck_assert_str_eq(write_as("{cert.cn}", TEMPLATE_IN_FIELD, TEMPLATE_VALUELESS), "");
    ck_assert_str_eq(write_as("cn={cert.cn}{cert.san}", TEMPLATE_IN_FIELD, TEMPLATE_VALUELESS), "cn=");
    value_of[VARIABLE_LIST] = "DNS:a";
    ck_assert_str_eq(write_as("cn={cert.cn}{cert.san}", TEMPLATE_IN_FIELD, TEMPLATE_WRITTEN), "cn=DNS:a");
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    struct template *t = take("{cert.cn} and more");
    value_of[VARIABLE_TEXT] = "value";
    for (size_t room = 0; room < strlen("value and more"); room++) {
        struct bytes out;
        bytes_init(&out, room);
        ck_assert_int_eq(template_write(t, TEMPLATE_IN_FIELD, give, NULL, &out), TEMPLATE_FAILED);
        bytes_clear(&out);
    }
    free(t);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("template");
    TCase *t = tcase_create("template");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, text_without_variables_stays_as_it_is);
    tcase_add_test(t, a_value_is_not_looked_at_again);
    tcase_add_loop_test(t, a_mistake_is_named_with_what_to_write, 0, (int)(sizeof(mistakes) / sizeof(mistakes[0])));
    tcase_add_loop_test(t, a_value_in_a_log_is_one_word, 0, sizeof(logged) / sizeof(logged[0]));
    tcase_add_test(t, a_long_value_in_a_log_is_cut);
    tcase_add_loop_test(t, a_variable_of_another_place_is_refused, 0, sizeof(misplaced) / sizeof(misplaced[0]));
    tcase_add_test(t, a_file_keeps_the_braces_of_style_sheets_and_scripts);
    tcase_add_test(t, a_field_cannot_be_ended_by_a_value);
    tcase_add_test(t, each_other_place_encodes_for_itself);
    tcase_add_loop_test(t, a_redirect_goes_to_no_host_that_a_client_chose, 0, (int)(sizeof(redirects) / sizeof(redirects[0])));
    tcase_add_test(t, the_parts_of_a_uri_are_told_apart);
    tcase_add_test(t, a_value_is_whole_or_left_out);
    tcase_add_test(t, a_text_whose_variables_have_no_value_says_so);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
