/* SPDX-License-Identifier: Apache-2.0 */
#include "config_source.h"
#include "config_syntax.h"
#include "t.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-source-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *content, size_t n)
{
    FILE *file = fopen(in_folder(name), "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(content, 1, n, file), n);
    fclose(file);
}

static void write_text(const char *name, const char *content)
{
    write_file(name, content, strlen(content));
}

static const struct {
    const char *why, *text, *cleaned;
} kept[] = {
    {"plain lines", "a = 1;\nb = 2;\n", "a = 1;\nb = 2;\n"},
    {"no newline at the end", "a = 1;", "a = 1;\n"},
    {"carriage returns", "a = 1;\r\n", "a = 1; \n"},
    {"a byte order mark",
     "\xef\xbb\xbf"
     "a = 1;\n",
     "a = 1;\n"},
    {"a hash comment", "a = 1; # b = 2;\n", "a = 1;         \n"},
    {"a slash comment", "a = 1; // b\n", "a = 1;     \n"},
    {"a block comment", "a /* x */ = 1;\n", "a         = 1;\n"},
    {"a block comment over lines", "a /* x\n y */ = 1;\n", "a     \n      = 1;\n"},
    {"the end of a comment at once", "/**/a = 1;\n", "    a = 1;\n"},
    {"a slash and star apart", "/* * / */a = 1;\n", "         a = 1;\n"},
    {"comment signs in a string", "a = \"x # // /* y\";\n", "a = \"x # // /* y\";\n"},
    {"an escaped quote", "a = \"x \\\" # y\"; # z\n", "a = \"x \\\" # y\";    \n"},
    {"an escaped backslash before the quote", "a = \"x\\\\\"; # z\n", "a = \"x\\\\\";    \n"},
    {"letters beyond ASCII in a string", "a = \"M\xc3\xbcller\";\n", "a = \"M\xc3\xbcller\";\n"},
    {"and in a comment", "# M\xc3\xbcller\n", "         \n"},
    {"digits in a name", "a99999999999999999999 = 1;\n", "a99999999999999999999 = 1;\n"},
    {"digits in a string", "a = \"99999999999999999999\";\n", "a = \"99999999999999999999\";\n"},
    {"the largest number", "a = 2147483647;\n", "a = 2147483647;\n"},
    {"an include in a comment", "# @include \"nowhere\"\n", "                    \n"},
    {"an include in a block comment", "/*\n@include \"nowhere\"\n*/\n", "  \n                  \n  \n"},
};

START_TEST(keeps_what_counts_and_blanks_comments)
{
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_msg(config_source_text(&s, kept[_i].text, "x.conf", &f) == 0, "%s: %s", kept[_i].why,
                  f.n > 0 ? f.items[0].text : "");
    ck_assert_msg(strcmp((const char *)bytes_span(&s.text).ptr, kept[_i].cleaned) == 0, "%s: %s",
                  kept[_i].why, (const char *)bytes_span(&s.text).ptr);
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

static const struct {
    const char *why, *text, *where, *says;
} refused[] = {
    {"a string over two lines", "a = 1;\nb = \"x\ny\";\n", "x.conf:2", "missing quote"},
    {"a string that ends in a backslash", "b = \"x\\", "x.conf:1", "missing quote"},
    {"a comment without an end", "a = 1;\n/* b\n\n", "x.conf:2", "not closed"},
    {"a control character", "a = 1;\n\x01\n", "x.conf:2", "byte 0x01"},
    {"letters beyond ASCII in a name", "m\xc3\xbcller = 1;\n", "x.conf:1", "column 2: U+00FC is outside of a string"},
    {"a byte that is no UTF-8", "m\xfcller = 1;\n", "x.conf:1", "column 2: byte 0xfc outside of a string"},
    {"typographic quotes", "a = 1;\nb = \xe2\x80\x9cx\xe2\x80\x9d;\n", "x.conf:2", "column 5: U+201C is a typographic quote: type the plain \" in its place"},
    {"low quotes", "b = \xe2\x80\x9ex\xe2\x80\x9c;\n", "x.conf:1", "U+201E is a typographic quote"},
    {"single ones", "b = \xe2\x80\x98x\xe2\x80\x99;\n", "x.conf:1", "U+2018 is a typographic quote: type the plain \""},
    {"French ones", "b = \xc2\xabx\xc2\xbb;\n", "x.conf:1", "U+00AB is a typographic quote"},
    {"those of Windows-1252", "b = \x93x\x94;\n", "x.conf:1", "byte 0x93 is a typographic quote"},
    {"one that should end a string", "b = \"x\xe2\x80\x9d;\n", "x.conf:1", "column 7: U+201D is a typographic quote"},
    {"one that should end a string, and plain ones behind it", "b = \"x\xe2\x80\x9d; c = \"y\";\n", "x.conf:1", "column 7: U+201D is a typographic quote"},
    {"around an included file", "@include \xe2\x80\x9cx\xe2\x80\x9d\n", "x.conf:1", "column 10: U+201C is a typographic quote"},
    {"plain single quotes", "b = 'x';\n", "x.conf:1", "column 5: write strings in double quotes"},
    {"a no-break space", "b =\xc2\xa0 1;\n", "x.conf:1", "column 4: U+00A0 is a no-break space: type a plain space"},
    {"a byte order mark inside", "a = 1;\n\xef\xbb\xbf b = 1;\n", "x.conf:2", "column 1: U+FEFF is a byte order mark: remove it"},
    {"a full-width semicolon", "b = 1\xef\xbc\x9b\n", "x.conf:1", "type the plain ; in its place"},
    {"UTF-16", "\xff\xfe" "b", "x.conf:1", "is UTF-16: save it as UTF-8"},
    {"a tab in a string", "a = \"\t\";\n", "x.conf:1", "control character"},
    {"a PEM file", "-----BEGIN CERTIFICATE-----\nMIIB\n", "x.conf:1", "PEM file"},
    {"an include in the middle of a line", "a = 1; @include \"x\"\n", "x.conf:1", "alone on its line"},
    {"something behind an include", "@include \"x\" a = 1;\n", "x.conf:1", "alone on its line"},
    {"an include without quotes", "@include x\n", "x.conf:1", "alone on its line"},
    {"an include of nothing", "@include \"\"\n", "x.conf:1", "alone on its line"},
    {"an include of what is not there", "a = 1;\n@include \"/nonexistent/x\"\n", "x.conf:2",
     "/nonexistent/x does not exist"},
    {"an include of a folder, on which libconfig ends the process", "@include \"/tmp\"\n", "x.conf:1",
     "/tmp is a folder"},
};

START_TEST(refuses_what_the_parser_would_mistreat)
{
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_msg(config_source_text(&s, refused[_i].text, "x.conf", &f) == -1, "%s", refused[_i].why);
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_str_eq(f.items[0].where, refused[_i].where);
    ck_assert_msg(strstr(f.items[0].text, refused[_i].says) != NULL, "%s: %s", refused[_i].why,
                  f.items[0].text);
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(tells_of_every_line_with_typographic_quotes_at_once)
{
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_text(&s, "a = \xe2\x80\x9cx#y\xe2\x80\x9d;\nb = \"M\xc3\xbcller \xe2\x80\x9cx\xe2\x80\x9d\";\nc = 1;\nd = \xe2\x80\x99z\xe2\x80\x99;\n",
                                        "x.conf", &f),
                     -1);
    ck_assert_uint_eq(f.errors, 2);
    ck_assert_str_eq(f.items[0].where, "x.conf:1");
    ck_assert_str_eq(f.items[1].where, "x.conf:4");
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(stops_telling_of_them_when_it_is_no_configuration)
{
    struct findings f;
    struct bytes text;
    findings_init(&f);
    bytes_init(&text, 1 << 20);
    for (unsigned i = 0; i < 200; i++)
        ck_assert_int_eq(bytes_append_str(&text, "\xd0\x9f\n"), 0);
    ck_assert_int_eq(bytes_append(&text, "", 1), 0);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_text(&s, (const char *)bytes_span(&text).ptr, "x.conf", &f), -1);
    ck_assert_uint_eq(f.errors, 50);
    config_source_clear(&s);
    findings_clear(&f);
    bytes_clear(&text);
}
END_TEST

static void expect_load_error(const char *path, const char *says)
{
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_load(&s, path, &f), -1);
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_msg(strstr(f.items[0].text, says) != NULL, "%s: %s", f.items[0].where, f.items[0].text);
    ck_assert_msg(strncmp(f.items[0].where, path, strlen(path)) == 0, "%s", f.items[0].where);
    config_source_clear(&s);
    findings_clear(&f);
}

START_TEST(says_what_to_do_about_a_file_it_cannot_read)
{
    expect_load_error(in_folder("missing.conf"), "does not exist");
    expect_load_error(folder, "is a folder");
    write_text("file", "a = 1;\n");
    expect_load_error(in_folder("file/below"), "does not exist");
    char binary[300] = "a = 1;\n\0\0\x7f";
    write_file("binary", binary, sizeof(binary));
    expect_load_error(in_folder("binary"), "is this a text file?");
    write_text("loop", "@include \"loop\"\n");
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_load(&s, in_folder("loop"), &f), -1);
    ck_assert_ptr_nonnull(strstr(f.items[0].text, "include itself"));
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(says_so_when_the_file_is_not_for_us)
{
    write_text("secret", "a = 1;\n");
    ck_assert_int_eq(chmod(in_folder("secret"), 0), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0); /* root reads everything */
    expect_load_error(in_folder("secret"), "may not be read by this user");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(gives_up_on_a_file_without_end)
{
    expect_load_error("/dev/zero", "larger than 4 MiB");
}
END_TEST

/* Each file includes the next: no circle, but a depth that would follow a circle as long as there is stack.
 */
START_TEST(gives_up_on_a_chain_of_includes)
{
    for (unsigned i = 0; i < 12; i++) {
        char name[16], text[40];
        snprintf(name, sizeof(name), "%u.conf", i);
        snprintf(text, sizeof(text), "@include \"%u.conf\"\n", i + 1);
        write_text(name, i == 11 ? "a = 1;\n" : text);
    }
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_load(&s, in_folder("0.conf"), &f), -1);
    ck_assert_str_eq(f.items[0].where, in_folder("8.conf:1"));
    config_source_clear(&s);
    ck_assert_int_eq(config_source_load(&s, in_folder("4.conf"), &f), 0);
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

static void expect_refused_quickly(char *text, const char *says)
{
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    struct bytes out;
    bytes_init(&out, 1 << 16);
    ck_assert(config_source_text(&s, text, "x.conf", &f) != 0 || config_syntax_read(&s, &out, &f) != 0);
    bytes_clear(&out);
    ck_assert_msg(strstr(f.items[0].text, says) != NULL, "%s", f.items[0].text);
    config_source_clear(&s);
    findings_clear(&f);
}

START_TEST(survives_a_megabyte_of_anything)
{
    enum { SIZE = 1000000 };
    static char text[SIZE + 1];
    memset(text, '(', SIZE);
    memcpy(text, "a=", 2);
    expect_refused_quickly(text, "nested deeper");
    for (size_t i = 0; i < SIZE; i += 4)
        memcpy(text + i, "a={ ", 4);
    expect_refused_quickly(text, "nested deeper");
    for (size_t i = 0; i < SIZE; i += 4)
        memcpy(text + i, "a=1;", 4);
    expect_refused_quickly(text, "more than 20000 settings in one group");
    for (size_t i = 0; i < SIZE; i += 100)
        memcpy(text + i, "b={ ", 4);
    for (size_t i = 96; i < SIZE; i += 100)
        memcpy(text + i, " }; ", 4);
    expect_refused_quickly(text, "more than 200000 settings:");
    memset(text, '"', SIZE);
    text[SIZE - 1] = ' ';
    expect_refused_quickly(text, "missing quote");
    memset(text, '9', SIZE);
    memcpy(text, "a=", 2);
    expect_refused_quickly(text, "too large");
    unsigned random = 1;
    for (size_t i = 0; i < SIZE; i++) {
        random = random * 1103515245 + 12345;
        text[i] = (char)(1 + (random >> 16) % 255);
    }
    expect_refused_quickly(text, "");
}
END_TEST

START_TEST(puts_includes_in_place_and_knows_where_each_line_came_from)
{
    ck_assert_int_eq(mkdir(in_folder("sub"), 0755), 0);
    write_text("main.conf", "a = 1;\n  @include \"sub/one.conf\" # the first\nd = 4;\n");
    write_text("sub/one.conf", "b = 2;\n@include \"two.conf\"\n");
    write_text("sub/two.conf", "\nc = 3;");
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_msg(config_source_load(&s, in_folder("main.conf"), &f) == 0, "%s",
                  f.n > 0 ? f.items[0].text : "");
    ck_assert_str_eq((const char *)bytes_span(&s.text).ptr, "a = 1;\nb = 2;\n\nc = 3;\nd = 4;\n");
    static const struct {
        const char *file;
        unsigned line;
    } expect[] = {
        {"main.conf", 1}, {"sub/one.conf", 1}, {"sub/two.conf", 1}, {"sub/two.conf", 2}, {"main.conf", 3}};
    for (unsigned i = 0; i < 5; i++) {
        char where[256], want[256];
        config_source_where(&s, i + 1, where, sizeof(where));
        snprintf(want, sizeof(want), "%s:%u", in_folder(expect[i].file), expect[i].line);
        ck_assert_str_eq(where, want);
        ck_assert_str_eq(config_source_file(&s, i + 1), in_folder(expect[i].file));
    }
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(an_error_in_an_included_file_names_that_file)
{
    write_text("main.conf", "a = 1;\n@include \"inner.conf\"\n");
    write_text("inner.conf", "b = 2;\n\nc = '3';\n");
    struct findings f;
    findings_init(&f);
    struct config_source s;
    config_source_init(&s);
    ck_assert_int_eq(config_source_load(&s, in_folder("main.conf"), &f), -1);
    ck_assert_str_eq(f.items[0].where, in_folder("inner.conf:3"));
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(joins_relative_paths_to_the_folder_of_the_file)
{
    static const char *const rows[][3] = {{"/etc/mtlsd/mtlsd.conf", "a.pem", "/etc/mtlsd/a.pem"},
                                          {"/etc/mtlsd/mtlsd.conf", "/a.pem", "/a.pem"},
                                          {"/mtlsd.conf", "a.pem", "/a.pem"},
                                          {"conf/mtlsd.conf", "../a.pem", "conf/../a.pem"},
                                          {"mtlsd.conf", "a.pem", "a.pem"}};
    for (size_t i = 0; i < 5; i++) {
        char *joined = config_source_join(rows[i][0], rows[i][1]);
        ck_assert_str_eq(joined, rows[i][2]);
        free(joined);
    }
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

Suite *suite(void)
{
    Suite *s = suite_create("config_source");
    TCase *t = tcase_create("text");
    tcase_add_loop_test(t, keeps_what_counts_and_blanks_comments, 0, COUNT(kept));
    tcase_add_loop_test(t, refuses_what_the_parser_would_mistreat, 0, COUNT(refused));
    tcase_add_test(t, tells_of_every_line_with_typographic_quotes_at_once);
    tcase_add_test(t, stops_telling_of_them_when_it_is_no_configuration);
    tcase_add_test(t, survives_a_megabyte_of_anything);
    tcase_add_test(t, joins_relative_paths_to_the_folder_of_the_file);
    suite_add_tcase(s, t);
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, says_what_to_do_about_a_file_it_cannot_read);
    tcase_add_test(files, says_so_when_the_file_is_not_for_us);
    tcase_add_test(files, gives_up_on_a_file_without_end);
    tcase_add_test(files, gives_up_on_a_chain_of_includes);
    tcase_add_test(files, puts_includes_in_place_and_knows_where_each_line_came_from);
    tcase_add_test(files, an_error_in_an_included_file_names_that_file);
    suite_add_tcase(s, files);
    return s;
}
