/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "status_sheet.h"

#include <stdio.h>
#include <string.h>

static char text[65536];

static const char *sheet_of(const char *json)
{
    struct bytes out;
    bytes_init(&out, sizeof(text) - 1);
    json_error_t error;
    json_t *status = json_loads(json, 0, &error);
    ck_assert_msg(status != NULL, "%s", error.text);
    struct page page = {.out = &out};
    status_sheet_print(&page, status);
    ck_assert_int_eq(page_end(&page), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    json_decref(status);
    bytes_clear(&out);
    return text;
}

START_TEST(shows_what_runs)
{
    sheet_of("{\"version\":\"1.2\",\"ready\":true,\"uptime_seconds\":93784,\"workers\":2,\"generation\":4,\"config\":\"a.conf\","
             "\"started\":\"2026-01-01T00:00:00Z\",\"files_polled\":true,\"last_reload\":{\"time\":\"2026-01-02T00:00:00Z\",\"result\":\"refused\",\"error\":\"x is empty\"},"
             "\"last_handover\":{\"time\":\"2026-01-03T00:00:00Z\",\"result\":\"refused\",\"error\":\"it ended\"},"
             "\"listeners\":[{\"name\":\"app\",\"bind\":[\":80\",\"[::1]:81\"],\"protocol\":\"http\",\"tls\":true,\"client_cert\":\"required\","
             "\"upstream\":\"far\",\"connections_open\":3,\"connections_total\":1234567,\"requests_total\":9,"
             "\"refused\":{\"expired\":9,\"revoked\":3}}]}");
    ck_assert_ptr_nonnull(strstr(text, "mtlsd 1.2: ready, up 1d 2h, 2 workers, generation 4\n"));
    ck_assert_ptr_nonnull(strstr(text, "refused at 2026-01-02T00:00:00Z"));
    ck_assert_ptr_nonnull(strstr(text, "x is empty"));
    ck_assert_ptr_nonnull(strstr(text, "are polled"));
    ck_assert_ptr_nonnull(strstr(text, "refused at 2026-01-03T00:00:00Z"));
    ck_assert_ptr_nonnull(strstr(text, "it ended"));
    ck_assert_ptr_nonnull(strstr(text, ":80 [::1]:81"));
    ck_assert_ptr_nonnull(strstr(text, "http over TLS"));
    ck_assert_ptr_nonnull(strstr(text, "1,234,567"));
    ck_assert_ptr_nonnull(strstr(text, "9 expired, 3 revoked"));
}
END_TEST

START_TEST(shows_the_spiffe_agent_and_what_is_wrong_with_it)
{
    sheet_of("{\"spiffe\":{\"socket\":\"/run/agent.sock\",\"state\":\"lost\",\"since\":\"2026-01-01T00:00:00Z\",\"generation\":3,\"last_answer\":\"2026-01-02T00:00:00Z\","
             "\"error\":\"cannot connect\"}}");
    ck_assert_ptr_nonnull(strstr(text, "spiffe      /run/agent.sock: lost since 2026-01-01T00:00:00Z, generation 3, last answer 2026-01-02T00:00:00Z\n"));
    ck_assert_ptr_nonnull(strstr(text, "cannot connect\n"));
}
END_TEST

START_TEST(shows_targets_where_there_are_several_or_one_is_not_up)
{
    sheet_of("{\"upstreams\":[{\"name\":\"app\",\"targets\":[{\"address\":\"a:1\",\"route\":\"worker1\",\"state\":\"held\",\"held_seconds\":7,"
             "\"active\":3,\"requests_total\":1500,\"failures_total\":2},{\"address\":\"a:2\",\"route\":null,\"state\":\"up\",\"backup\":true}]},"
             "{\"name\":\"single\",\"targets\":[{\"address\":\"b:1\",\"state\":\"up\"}]},"
             "{\"name\":\"lone\",\"targets\":[{\"address\":\"c:1\",\"state\":\"drained\"}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "app/worker1  a:1      held 7s"));
    ck_assert_ptr_nonnull(strstr(text, "app/a:2      a:2      up, backup"));
    ck_assert_ptr_nonnull(strstr(text, "1,500"));
    ck_assert_ptr_nonnull(strstr(text, "lone/c:1     c:1      drained"));
    ck_assert_ptr_null(strstr(text, "single/b:1"));
}
END_TEST

START_TEST(shows_who_would_be_refused_if_all_had_to_be_valid)
{
    sheet_of("{\"listeners\":[{\"name\":\"a\",\"enforcing\":{\"callers\":1204,\"would_be_refused\":3,\"statuses\":{\"none\":{\"connections\":2,"
             "\"last\":\"2026-01-02T00:00:00Z\"},\"expired\":{\"connections\":1,\"last\":\"2026-01-03T00:00:00Z\"}},\"last\":[{\"who\":\"CN=x\"},{\"who\":\"10.0.0.1\"}]}},"
             "{\"name\":\"b\",\"enforcing\":{\"callers\":7,\"would_be_refused\":0,\"statuses\":{}}},"
             "{\"name\":\"c\",\"enforcing\":{\"callers\":0,\"would_be_refused\":0,\"statuses\":{}}},{\"name\":\"d\",\"enforcing\":null}]}");
    ck_assert_ptr_nonnull(strstr(text, "a: ready to enforce: 3 of 1,204 clients would be refused (none 2, expired 1; the last at 2026-01-03T00:00:00Z)\n"));
    ck_assert_ptr_nonnull(strstr(text, "    lately: CN=x; 10.0.0.1\n"));
    ck_assert_ptr_nonnull(strstr(text, "b: ready to enforce: none of 7 clients would be refused\n"));
    ck_assert_ptr_nonnull(strstr(text, "c: ready to enforce? no client yet\n"));
    ck_assert_ptr_null(strstr(text, "d: ready"));
    ck_assert_ptr_null(strstr(text, "allow_log_only"));
    sheet_of("{\"listeners\":[{\"name\":\"a\",\"would_refuse\":4321}]}");
    ck_assert_ptr_nonnull(strstr(text, "a: allow_log_only: 4,321 would have been refused by allow\n"));
}
END_TEST

START_TEST(shows_routes_with_their_hits)
{
    sheet_of("{\"listeners\":[{\"name\":\"public\",\"routes\":[{\"number\":1,\"where\":\"a.conf:3\",\"to\":\"respond\",\"hits\":12345,\"refused\":1}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "public 1  a.conf:3  respond  12,345        1"));
    ck_assert_ptr_nonnull(strstr(text, "its routes"));
    sheet_of("{\"listeners\":[{\"name\":\"public\",\"routes\":[]}]}");
    ck_assert_ptr_null(strstr(text, "ROUTE"));
}
END_TEST

START_TEST(lines_columns_up)
{
    sheet_of("{\"listeners\":[{\"name\":\"a\",\"bind\":[\":1\"],\"upstream\":\"x\"},{\"name\":\"much-longer\",\"bind\":[\":22\"],\"upstream\":\"y\"}]}");
    const char *title = strstr(text, "  LISTENER "), *one = strstr(text, "  a "), *two = strstr(text, "  much-longer ");
    ck_assert(title != NULL && one != NULL && two != NULL);
    ck_assert_int_eq(strstr(title, "BIND") - title, strstr(one, ":1") - one);
    ck_assert_int_eq(strstr(one, ":1") - one, strstr(two, ":22") - two);
}
END_TEST

START_TEST(marks_what_ends_soon_or_has_ended)
{
    sheet_of("{\"identities\":[{\"name\":\"a\",\"days_left\":3},{\"name\":\"b\",\"days_left\":-1},{\"name\":\"c\",\"days_left\":300},"
             "{\"name\":\"d\",\"days_left\":1}]}");
    ck_assert_ptr_nonnull(strstr(text, "3 days !\n"));
    ck_assert_ptr_nonnull(strstr(text, "EXPIRED\n"));
    ck_assert_ptr_nonnull(strstr(text, "300 days\n"));
    ck_assert_ptr_nonnull(strstr(text, "1 day !\n"));
}
END_TEST

START_TEST(names_each_ca_without_a_good_list)
{
    sheet_of("{\"trusts\":[{\"name\":\"clients\",\"crl_coverage\":[{\"ca\":\"CN=Good\",\"covered\":true,\"stale\":false},{\"ca\":\"CN=Bare\",\"covered\":false},"
             "{\"ca\":\"CN=Old\",\"covered\":true,\"stale\":true,\"next_update\":\"2026-01-03T00:00:00Z\"}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "\n  clients: NO revocation list of CN=Bare\n"
                                       "  clients: the revocation list is STALE since 2026-01-03T00:00:00Z, of CN=Old\n\n"));
    ck_assert_ptr_null(strstr(text, "CN=Good"));
    sheet_of("{\"trusts\":[{\"name\":\"clients\",\"crl_coverage\":[{\"ca\":\"CN=Good\",\"covered\":true,\"stale\":false}]}]}");
    ck_assert_ptr_null(strstr(text, "clients:"));
}
END_TEST

START_TEST(cuts_nothing_silently)
{
    char document[2000], subject[1000];
    memset(subject, 'x', sizeof(subject));
    snprintf(document, sizeof(document), "{\"identities\":[{\"name\":\"a\",\"subject\":\"CN=%.*s\",\"issuer\":\"CN=CA\"}]}", (int)sizeof(subject), subject);
    sheet_of(document);
    ck_assert_ptr_nonnull(strstr(text, "xxx...  CN=CA"));
    snprintf(document, sizeof(document), "{\"identities\":[{\"name\":\"a\",\"subject\":\"CN=%.*s\",\"issuer\":\"CN=CA\"}]}", 400, subject);
    sheet_of(document);
    ck_assert_ptr_null(strstr(text, "..."));
}
END_TEST

START_TEST(tells_refusals_with_what_to_do)
{
    sheet_of("{\"refusals\":[{\"time\":\"2026-01-01T00:00:00Z\",\"reason\":\"expired\",\"listener\":\"app\",\"upstream\":\"far\","
             "\"peer_subject\":\"CN=x\",\"detail\":\"certificate CN=x: expired\",\"hint\":\"renew it\"}]}");
    ck_assert_ptr_nonnull(strstr(text, "app -> far  expired\n"));
    ck_assert_ptr_nonnull(strstr(text, "certificate CN=x: expired\n"));
    ck_assert_ptr_nonnull(strstr(text, "renew it\n"));
}
END_TEST

START_TEST(tells_how_often_one_happened)
{
    sheet_of("{\"refusals\":[{\"time\":\"2026-01-01T00:09:00Z\",\"first\":\"2026-01-01T00:00:00Z\",\"count\":12,\"reason\":\"expired\",\"listener\":\"a\"},"
             "{\"time\":\"2026-01-01T00:01:00Z\",\"first\":\"2026-01-01T00:01:00Z\",\"count\":1,\"reason\":\"revoked\",\"listener\":\"a\"}]}");
    ck_assert_ptr_nonnull(strstr(text, "00:09:00Z  a  expired\n"));
    ck_assert_ptr_nonnull(strstr(text, "count   12 times since 2026-01-01T00:00:00Z\n"));
    ck_assert_ptr_null(strstr(text, "1 times"));
}
END_TEST

/* C8: an escape sequence, a new line or a right-to-left mark in a certificate must not reach the terminal. */
START_TEST(prints_nothing_raw_that_a_peer_chose)
{
    sheet_of("{\"refusals\":[{\"peer_subject\":\"CN=\\u001b[2Jx\\ny\\u202e\",\"detail\":\"\\u009b31m\",\"reason\":\"\\u0007\",\"listener\":\"\\u001b\"}],"
             "\"identities\":[{\"name\":\"a\\u001b\",\"subject\":\"\\r\"}]}");
    for (const char *c = text; *c != '\0'; c++)
        ck_assert_msg((*c >= 0x20 && *c < 0x7f) || *c == '\n', "byte %02x", (unsigned char)*c);
    ck_assert_ptr_nonnull(strstr(text, "CN=%1B[2Jx%0Ay%E2%80%AE"));
}
END_TEST

START_TEST(bears_any_document)
{
    static const char *const odd[] = {"{}", "{\"listeners\":5,\"refusals\":{},\"identities\":[1,null,\"x\"],\"trusts\":[{}],\"upstreams\":[[]]}",
                                      "{\"listeners\":[{\"bind\":[1,{}],\"refused\":[],\"requests_total\":-1234}],\"last_reload\":{}}"};
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(sheet_of(odd[i]));
}
END_TEST

START_TEST(bears_texts_of_any_length)
{
    char json[9000];
    char name[8000];
    memset(name, 'a', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    snprintf(json, sizeof(json), "{\"identities\":[{\"name\":\"%s\",\"subject\":\"%.500s\"}],\"config\":\"%.100s\"}", name, name, name);
    ck_assert_ptr_nonnull(strstr(sheet_of(json), "aaaa"));
}
END_TEST

START_TEST(shows_what_is_renewed_when_and_why_it_was_not)
{
    sheet_of("{\"identities\":[{\"name\":\"a\",\"renewal\":{\"url\":\"https://ca.example\",\"next_attempt\":\"2026-01-02T00:00:00Z\","
             "\"last_attempt\":\"2026-01-01T00:00:00Z\",\"last_error\":\"the CA\\u001b answered 500\",\"renewed\":3,\"failed\":1}},"
             "{\"name\":\"b\",\"renewal\":{\"url\":\"https://b.example\",\"next_attempt\":null,\"last_attempt\":null,\"last_error\":null,\"renewed\":0,\"failed\":0}},"
             "{\"name\":\"c\",\"renewal\":null}]}");
    ck_assert_ptr_nonnull(strstr(text, "https://ca.example  a         2026-01-02T00:00:00Z  2026-01-01T00:00:00Z        3       1\n"));
    ck_assert_ptr_nonnull(strstr(text, "https://b.example   b         never                 none                        0       0\n"));
    ck_assert_ptr_nonnull(strstr(text, "  a: the last renewal failed: the CA%1B answered 500\n"));
    sheet_of("{\"identities\":[{\"name\":\"c\",\"renewal\":null},{\"name\":\"d\",\"renewal\":7}]}");
    ck_assert_ptr_null(strstr(text, "RENEWED BY"));
}
END_TEST

START_TEST(shows_what_came_of_ocsp)
{
    sheet_of("{\"ocsp\":{\"answers\":1200,\"waiting\":3,\"asked\":1400,\"failed\":2,\"last_failure\":\"2026-01-02T00:00:00Z\",\"error\":\"r.test: silence\"},"
             "\"upstreams\":[{\"name\":\"a\"},{\"name\":\"b\",\"staples_ignored_total\":7,\"staple_ignored\":\"it is old\"}]}");
    ck_assert_ptr_nonnull(strstr(text, "  OCSP: 1,200 answers are kept, 3 questions are open, 2 of 1,400 had no answer that counts\n        the last at 2026-01-02T00:00:00Z: r.test: silence\n"));
    ck_assert_ptr_nonnull(strstr(text, "  b: 7 stapled OCSP answers were ignored: it is old\n"));
    sheet_of("{\"ocsp\":7,\"upstreams\":[7,null]}"); /* whatever another version may say */
}
END_TEST

START_TEST(shows_where_lists_are_fetched_and_how_that_went)
{
    sheet_of("{\"trusts\":[{\"name\":\"clients\",\"crl_fetch\":[{\"url\":\"http://crl.example/a\",\"in_use\":true,\"last_success\":\"2026-01-02T00:00:00Z\","
             "\"next_attempt\":\"2026-01-02T05:00:00Z\",\"last_error\":null},{\"url\":\"http://b/\",\"in_use\":false,\"last_success\":null,\"next_attempt\":null,"
             "\"last_error\":\"the server answers 500\\u001b[31m\"}]},{\"name\":\"none\"}]}");
    ck_assert_ptr_nonnull(strstr(text, "clients   http://crl.example/a  yes     2026-01-02T00:00:00Z  2026-01-02T05:00:00Z  -\n"));
    ck_assert_ptr_nonnull(strstr(text, "clients   http://b/             no      never                 now                   the server answers 500"));
    ck_assert_ptr_null(strchr(text, '\033'));
    sheet_of("{\"trusts\":[{\"name\":\"clients\"}]}");
    ck_assert_ptr_null(strstr(text, "FETCHED FROM"));
    sheet_of("{\"trusts\":[{\"crl_fetch\":[{},5,null]},{\"crl_fetch\":7}]}"); /* whatever another version may say */
    ck_assert_ptr_nonnull(strstr(text, "FETCHED FROM"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("status_sheet");
    TCase *t = tcase_create("status_sheet");
    tcase_add_test(t, shows_what_runs);
    tcase_add_test(t, shows_the_spiffe_agent_and_what_is_wrong_with_it);
    tcase_add_test(t, shows_targets_where_there_are_several_or_one_is_not_up);
    tcase_add_test(t, shows_who_would_be_refused_if_all_had_to_be_valid);
    tcase_add_test(t, shows_routes_with_their_hits);
    tcase_add_test(t, lines_columns_up);
    tcase_add_test(t, marks_what_ends_soon_or_has_ended);
    tcase_add_test(t, names_each_ca_without_a_good_list);
    tcase_add_test(t, cuts_nothing_silently);
    tcase_add_test(t, tells_refusals_with_what_to_do);
    tcase_add_test(t, tells_how_often_one_happened);
    tcase_add_test(t, shows_what_is_renewed_when_and_why_it_was_not);
    tcase_add_test(t, shows_what_came_of_ocsp);
    tcase_add_test(t, shows_where_lists_are_fetched_and_how_that_went);
    tcase_add_test(t, prints_nothing_raw_that_a_peer_chose);
    tcase_add_test(t, bears_any_document);
    tcase_add_test(t, bears_texts_of_any_length);
    suite_add_tcase(s, t);
    return s;
}
