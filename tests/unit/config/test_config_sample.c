/* SPDX-License-Identifier: Apache-2.0 */
/* The files of conf/ as they are shipped. MTLSD_WRITE_SAMPLE=1 writes the generated one anew. */
#include "config_sample.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE "../conf/mtlsd.conf.sample"

static const char *const shipped[] = {"../conf/injector.conf", "../conf/verifier.conf",
                                      "../conf/gateway.conf", "../conf/two-way-gateway.conf",
                                      "../conf/routes.conf", "../conf/forward-proxy.conf",
                                      "../conf/certificate-status.conf", "../conf/database.conf", "../conf/grpc.conf", "../conf/help-page.conf", "../conf/dashboard.conf", "../conf/registry.conf", "../conf/spiffe.conf", SAMPLE};

START_TEST(each_shipped_file_is_accepted_without_a_warning)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_load(shipped[_i], &f);
    ck_assert_msg(c != NULL && f.n == 0, "%s: %s", f.n > 0 ? f.items[0].where : shipped[_i],
                  f.n > 0 ? f.items[0].text : "");
    ck_assert_uint_ge(c->n_listeners, 1);
    config_free(c);
    findings_clear(&f);
}
END_TEST

static void write_sample(struct span text)
{
    FILE *file = fopen(SAMPLE, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text.ptr, 1, text.len, file), text.len);
    fclose(file);
}

START_TEST(the_sample_is_what_the_table_says)
{
    struct bytes sample;
    bytes_init(&sample, 1 << 20);
    ck_assert_int_eq(config_sample(&sample), 0);
    struct span text = bytes_span(&sample);
    if (getenv("MTLSD_WRITE_SAMPLE") != NULL)
        write_sample(text);
    static char file_text[1 << 16];
    FILE *file = fopen(SAMPLE, "r");
    ck_assert_ptr_nonnull(file);
    size_t n = fread(file_text, 1, sizeof(file_text), file);
    fclose(file);
    ck_assert_msg(span_equals(text, span_of(file_text, n)),
                  "conf/mtlsd.conf.sample is out of date: run this test with MTLSD_WRITE_SAMPLE=1");
    bytes_clear(&sample);
}
END_TEST

/* With every # before a key taken away, the examples and defaults must still be a configuration, but for what
 * excludes one another. */
START_TEST(every_line_of_the_sample_is_right)
{
    struct bytes sample;
    bytes_init(&sample, 1 << 20);
    ck_assert_int_eq(config_sample(&sample), 0);
    char *text = span_dup(bytes_span(&sample));
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, "\n ");
        if (line[0] != '#' || line[1] != ' ' || line[2] == ' ')
            continue;
        size_t key = strspn(line + 2, "abcdefghijklmnopqrstuvwxyz_");
        bool close = strncmp(line + 2, "};", 2) == 0,
             other = strstr(line, "# bundle") == line || strstr(line, "# certificate") == line || strstr(line, "# chain") == line ||
                     strstr(line, "# routes") == line || strstr(line, "# grpc") == line || strstr(line, "# rotate") == line || strstr(line, "# identities") == line ||
                     strstr(line, "# pin_file") == line || strstr(line, "# spiffe_id") == line || strstr(line, "# ocsp_") == line || strstr(line, "# step") == line;
        if (close || (!other && key > 0 && strncmp(line + 2 + key, " = ", 3) == 0 &&
                      strncmp(line + 2, "key = ", 6) != 0))
            line[0] = ' ';
    }
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(text, "sample", &f);
    for (size_t i = 0; i < f.n; i++) {
        bool names =
            strstr(f.items[i].text, "is defined") != NULL || /* "server", "clients" and "partners" are only examples */
            strstr(f.items[i].text, "hosts: has no effect") != NULL || /* with tls, which stands there too */
            strstr(f.items[i].text, "forward_proxy.intercept: give ca and key") != NULL || /* every key of this name is left alone */
            strstr(f.items[i].text, "leave passphrase_file out") != NULL || /* beside renew */
            strstr(f.items[i].text, "allow_origins: has no effect") != NULL;
        ck_assert_msg(names, "%s: %s", f.items[i].where, f.items[i].text);
    }
    ck_assert_uint_eq(f.errors, 6);
    config_free(c);
    findings_clear(&f);
    free(text);
    bytes_clear(&sample);
}
END_TEST

static bool is_one_of(const char *key, const char *words)
{
    const char *at = strstr(words, key);
    size_t n = strlen(key);
    return at != NULL && (at == words || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0');
}

#define HEX_64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* key = example; as a person would take it from the sample. */
static void write_setting(const struct config_option *o, char out[300])
{
    bool quoted = o->fallback[0] != '\0' && !is_one_of(o->type, "number bool choice");
    const char *value = o->fallback[0] != '\0' ? o->fallback : strstr(o->example, "<64") != NULL ? "\"" HEX_64 "\"" : o->example;
    snprintf(out, 300, "%s = %s%s%s;", o->key, quoted ? "\"" : "", value, quoted ? "\"" : "");
}

/* What an element with this one key needs beside it. */
static const char *company(const struct config_option *o)
{
    if (strcmp(o->group, "target") == 0)
        return strcmp(o->key, "address") == 0 ? "" : "address = \"10.0.0.9:1\";";
    if (is_one_of(o->key, "upstream redirect respond deny"))
        return "path = \"/api\";";
    if (strcmp(o->key, "serve") == 0)
        return "path = \"/api\"; allow = ( { ou = \"ops\"; } );";
    if (strcmp(o->key, "redirect_status") == 0)
        return "path = \"/api\"; redirect = \"/x\";";
    return is_one_of(o->key, "path sni") ? "upstream = \"partner\";" : "path = \"/api\"; upstream = \"partner\";";
}

/* One key of a list's element with its example, in a configuration that is otherwise right. */
static void try_example(const struct config_option *o)
{
    char setting[300], target[400] = "address = \"10.0.0.9:1\";", route[500] = "upstream = \"partner\"; host = \"a\";", text[1600];
    write_setting(o, setting);
    bool by_name = strcmp(o->key, "sni") == 0;
    if (strcmp(o->group, "target") == 0)
        snprintf(target, sizeof(target), "%s %s", setting, company(o));
    else if (strcmp(o->group, "allow") == 0)
        snprintf(route, sizeof(route), "allow = ( { %s } ); path = \"/api\"; upstream = \"partner\";", setting);
    else
        snprintf(route, sizeof(route), "%s %s", setting, company(o));
    snprintf(text, sizeof(text),
             "identities = { me = { bundle = \"a\"; }; }; trusts = { ca = { ca = \"a\"; }; };\n"
             "upstreams = { partner = { sticky = { cookie = \"S\"; }; targets = ( \"10.0.0.8:1\", { %s } ); tls = { trust = \"ca\"; }; }; };\n"
             "listeners = { app = { bind = \":1\"; protocol = \"%s\"; tls = { identity = \"me\"; trust = \"ca\"; client_cert = \"optional\"; };\n"
             "routes = ( { %s }, { %s = \"b\"; upstream = \"partner\"; } ); }; };",
             target, by_name ? "tcp" : "http", route, by_name ? "sni" : "host");
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(text, "example", &f);
    ck_assert_msg(c != NULL && f.n == 0, "%s.%s: %s", o->group, o->key, f.n > 0 ? f.items[0].text : "");
    config_free(c);
    findings_clear(&f);
}

START_TEST(every_example_of_a_list_is_right)
{
    size_t n, tried = 0;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        if (!is_one_of(options[i].group, "target route allow"))
            continue;
        try_example(&options[i]);
        tried++;
    }
    ck_assert_uint_ge(tried, 25);
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    for (size_t max = 0; max < 4000; max += 37) {
        struct bytes out;
        bytes_init(&out, max);
        ck_assert_int_eq(config_sample(&out), -1);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_sample");
    TCase *t = tcase_create("config_sample");
    tcase_add_loop_test(t, each_shipped_file_is_accepted_without_a_warning, 0,
                        (int)(sizeof(shipped) / sizeof(shipped[0])));
    tcase_add_test(t, the_sample_is_what_the_table_says);
    tcase_add_test(t, every_line_of_the_sample_is_right);
    tcase_add_test(t, every_example_of_a_list_is_right);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
