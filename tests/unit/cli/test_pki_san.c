/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/pki.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct pki_san read_names;

static const struct {
    const char *text, *names; /* with blanks between them */
} right[] = {
    {"dns:localhost", "dns:localhost"},
    {"localhost", "dns:localhost"},
    {"DNS:localhost", "dns:localhost"},
    {"Dns: a.example ", "dns:a.example"},
    {"*.a.example", "dns:*.a.example"},
    {"a.example.", "dns:a.example"},
    {"dns:a_b", "dns:a_b"},
    {"dns:m\xc3\xbcnchen.de", "dns:m\xc3\xbcnchen.de"},
    {"127.0.0.1", "ip:127.0.0.1"},
    {"IP:127.0.0.1", "ip:127.0.0.1"},
    {"IP Address:127.0.0.1", "ip:127.0.0.1"},
    {"::1", "ip:::1"},
    {"[2001:db8::1]", "ip:2001:db8::1"},
    {"ip:[::1]", "ip:::1"},
    {"spiffe://td/app", "uri:spiffe://td/app"},
    {"URI:spiffe://td/app", "uri:spiffe://td/app"},
    {"urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66", "uri:urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"},
    {"uri:https://a.example/app", "uri:https://a.example/app"},
    {"ops@a.example", "email:ops@a.example"},
    {"email:ops@a.example", "email:ops@a.example"},
    {"a,b", "dns:a dns:b"},
    {"localhost, 127.0.0.1 ,::1", "dns:localhost ip:127.0.0.1 ip:::1"},
    {"DNS:a.example, DNS:b.example, IP Address:10.0.0.1, URI:spiffe://td/x", "dns:a.example dns:b.example ip:10.0.0.1 uri:spiffe://td/x"},
    {"uri:https://a.example/x,y", "uri:https://a.example/x,y"},
    {"uri:https://a.example/x,y,dns:b", "uri:https://a.example/x,y dns:b"},
};

START_TEST(takes_names_whose_meaning_is_clear)
{
    struct err err = {0};
    struct flag_list values = {.items = {right[_i].text}, .n = 1};
    char all[1024] = "";
    ck_assert_msg(pki_san_read(&values, &read_names, &err) == 0, "%s: %s", right[_i].text, err.text);
    for (size_t i = 0; i < read_names.names.n; i++)
        snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i > 0 ? " " : "", read_names.names.items[i]);
    ck_assert_str_eq(all, right[_i].names);
    pki_san_clear(&read_names);
}
END_TEST

static const struct {
    const char *text, *says;
} wrong[] = {
    {"", "has no name in it: write dns:HOST, ip:ADDRESS, uri:URI or email:ADDRESS"},
    {"dns:", "\"dns:\" has no name in it"},
    {"a,", "has no name in it"},
    {"a,,b", "has no name in it"},
    {"https://api.example:8443/x", "is a URL: clients look for its host, write dns:api.example (or uri:https://api.example:8443/x if"},
    {"HTTP://api.example", "is a URL: clients look for its host, write dns:api.example (or"},
    {"dns:https://api.example/", "is a URL: clients look for its host, write dns:api.example (or"},
    {"localhost:8443", "\"localhost:8443\" has a port, and a certificate holds for all ports: write dns:localhost"},
    {"dns:localhost:8443", "has a port, and a certificate holds for all ports: write dns:localhost"},
    {"dns:127.0.0.1", "dns:127.0.0.1 is an address, for which peers do not look there: write ip:127.0.0.1"},
    {"ip:localhost", "ip:localhost is not an IP address: write for example ip:192.0.2.1"},
    {"ip:10.0.0.0/8", "ip:10.0.0.0/8 is not an IP address"},
    {"ip:300.1.1.1", "ip:300.1.1.1 is not an IP address"},
    {"dns:a b", "\"a b\" is not a host name"},
    {"dns:a..b", "\"a..b\" is not a host name"},
    {"dns:.a", "\".a\" is not a host name"},
    {"dns:*", "\"*\" is not a host name"},
    {"a.*.example", "\"a.*.example\" is not a name"},
    {"uri:foo", "uri:foo is not a URI: write for example uri:spiffe://"},
    {"email:ops", "email:ops is not an address: write for example email:ops@example.org"},
    {"rid:1.2.3", "\"rid:1.2.3\" is not a name: write dns:HOST"},
    {"dirName:x", "\"dirName:x\" is not a name"},
    {"@a", "\"@a\" is not a name"},
};

START_TEST(refuses_the_others_with_words_that_say_how)
{
    struct err err = {0};
    struct flag_list values = {.items = {"good.example", wrong[_i].text}, .n = 2};
    ck_assert_msg(pki_san_read(&values, &read_names, &err) != 0, "%s", wrong[_i].text);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_msg(strstr(err.text, wrong[_i].says) != NULL, "%s: %s", wrong[_i].text, err.text);
    pki_san_clear(&read_names);
}
END_TEST

START_TEST(has_room_for_as_many_as_flags_and_says_when_it_ends)
{
    struct err err = {0};
    struct flag_list values = {.items = {"a,b,c,d,e,f,g,h,i,j"}, .n = 1};
    for (; values.n < 6; values.n++)
        values.items[values.n] = values.items[0];
    ck_assert_int_eq(pki_san_read(&values, &read_names, &err), 0);
    ck_assert_uint_eq(read_names.names.n, 60);
    ck_assert_str_eq(read_names.names.items[0], "dns:a");
    ck_assert_str_eq(read_names.names.items[59], "dns:j");
    pki_san_clear(&read_names);
    values.items[values.n++] = "a,b,c,d,e";
    ck_assert_int_ne(pki_san_read(&values, &read_names, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 64 names"));
    pki_san_clear(&read_names);
}
END_TEST

START_TEST(a_name_of_any_length_is_read_or_refused)
{
    static char big[70000];
    for (size_t n = 1; n < sizeof(big); n = n * 2 + 1) {
        struct err err = {0};
        memset(big, 'a', sizeof(big) - 1);
        memcpy(big, "uri:x:", 6);
        big[n + 6 < sizeof(big) ? n + 6 : sizeof(big) - 1] = '\0';
        struct flag_list values = {.items = {big}, .n = 1};
        ck_assert_int_eq(pki_san_read(&values, &read_names, &err) == 0, strlen(big) < 2048);
        pki_san_clear(&read_names);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pki_san");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, takes_names_whose_meaning_is_clear, 0, (int)(sizeof(right) / sizeof(right[0])));
    tcase_add_loop_test(t, refuses_the_others_with_words_that_say_how, 0, (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(t, has_room_for_as_many_as_flags_and_says_when_it_ends);
    tcase_add_test(t, a_name_of_any_length_is_read_or_refused);
    suite_add_tcase(s, t);
    return s;
}
