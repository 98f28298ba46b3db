/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/request_path.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { NO = -1 };

static const struct path_row {
    const char *prefix, *path;
    int covered; /* bytes of path, NO: does not match */
    const char *why;
} paths[] = {
    {"/admin", "/admin", 6, "the whole path"},
    {"/admin", "/admin/", 6, "a segment's border"},
    {"/admin", "/admin/x", 6, "what is below"},
    {"/admin", "/administrator", NO, "not at a border"},
    {"/admin", "/adm", NO, "shorter"},
    {"/admin", "/x/admin", NO, "only at the front"},
    {"/admin", "/Admin", NO, "case counts"},
    {"/admin", "/", NO, "the root"},
    {"/admin", "", NO, "'*' and CONNECT have no path"},
    {"/", "", NO, "not even the root rule takes those"},
    {"/", "/", 0, "the root"},
    {"/", "/admin", 0, "every path"},
    {"/", "/;x", 0, "parameters of nothing"},
    {"/admin/", "/admin/x", 6, "only below"},
    {"/admin/", "/admin/", 6, "and its own index"},
    {"/admin/", "/admin", NO, "not the thing itself"},
    {"/a/b", "/a/b/c", 4, "two segments"},
    {"/a/b", "/a/bc", NO, "not at a border"},
    {"/a/b", "/a/c", NO, "the second differs"},
    {"", "/x", NO, "an empty rule is a mistake, not a rule for all"},
    {"admin", "/admin", NO, "a rule that is no path"},
    /* C9: what a server may take for /admin */
    {"/admin", "/%61dmin", 8, "C9: an encoded letter"},
    {"/admin", "/%61%64%6D%69%6e/x", 16, "C9: all of them, in both cases of hex"},
    {"/admin", "/admin;x=1", 10, "C9: parameters, which servlet containers cut off"},
    {"/admin", "/admin;", 7, "C9: empty parameters"},
    {"/admin", "/admin;x/y", 8, "C9: parameters inside the path"},
    {"/admin", "/admin%3bx", 10, "C9: an encoded semicolon"},
    {"/admin", "/admin%2Fx", 6, "C9: an encoded slash, where it was not refused"},
    {"/admin", "/admin%2fx", 6, "C9: in lower case"},
    {"/a/b", "/a;p/b", 6, "C9: parameters of a segment before"},
    {"/a/b", "/a;p=1;q=2/b;r/c", 14, "C9: of both"},
    {"/a/b", "/a;p", NO, "parameters, and then nothing"},
    {"/a/b", "/a;/bc", NO, "parameters do not make another segment match"},
    {"/admin/", "/admin;x/y", 8, "C9: parameters before the slash"},
    {"/admin/", "/admin;x", NO, "and none after"},
    {"/admin", "/admi;n", NO, "parameters cut a segment short"},
    {"/admin", "/admin%", NO, "a percent sign that encodes nothing"},
    {"/admin", "/admin%2", NO, "nor does half a one"},
    {"/admin", "/admin%zz", NO, "nor a wrong one"},
    {"/admin", "/admin%20", NO, "a space is a letter of the segment"},
    {"/admin", "/admin%00", NO, "a NUL does not end a path"},
    {"/admin", "/%2561dmin", NO, "undone once, not twice"},
    {"/a%25b", "/a%25b", 6, "a percent sign"},
    {"/a b", "/a%20b", 6, "a rule written plainly"},
    {"/a%20b", "/a%20b/c", 6, "a rule written encoded"},
    {"/m\xc3\xbcnchen", "/m%C3%BCnchen", 13, "UTF-8"},
    {"/a;v=1", "/a;v=1/x", 6, "a rule that names a parameter"},
    {"/a;v=1", "/a/x", NO, "is only for paths that have it"},
    {"/a;v=1", "/a;v=2", NO, "with its value"},
};

START_TEST(covers_whole_segments_as_spelled)
{
    const struct path_row *row = &paths[_i];
    struct span path = span_from_str(row->path);
    size_t covered = request_path_covered(row->prefix, path, PATH_AS_SPELLED);
    ck_assert_msg(covered == (row->covered == NO ? SIZE_MAX : (size_t)row->covered), "%s, %s: %s: %zu", row->prefix, row->path, row->why, covered);
    if (covered != SIZE_MAX)
        ck_assert_msg(request_path_covered(row->prefix, path, PATH_WIDE) != SIZE_MAX, "%s, %s: not in the wide reading", row->prefix, row->path);
}
END_TEST

static const struct path_row wide[] = {
    {"/admin", "/Admin", 6, "a capital"},
    {"/admin", "/ADMIN/x", 6, "capitals, and what is below"},
    {"/ADMIN", "/admin", 6, "on the other side"},
    {"/admin", "/%41dmin", 8, "an encoded capital"},
    {"/admin", "/ADMIN;x=1/y", 10, "parameters"},
    {"/admin/", "/admin", 6, "without the slash at the end"},
    {"/admin/", "/Admin;x", 8, "and with parameters"},
    {"/admin/", "/admin/x", 6, "below"},
    {"/admin/", "/administrator", NO, "another name"},
    {"/admin/x/", "/admin", NO, "not so short"},
    {"/admin", "/admin.", 7, "a dot at the end"},
    {"/admin", "/admin...", 9, "several"},
    {"/admin", "/admin%20", 9, "a blank"},
    {"/admin", "/admin%20.%20/x", 13, "blanks and dots, and what is below"},
    {"/admin", "/admin%09", 9, "a tab"},
    {"/admin", "/admin%00", 9, "a NUL"},
    {"/admin", "/admin%0d%0a", 12, "a line end"},
    {"/admin", "/admin%7f", 9, "the last control byte"},
    {"/admin", "/admin.;x", 9, "and parameters behind"},
    {"/admin", "/admin::$DATA", 13, "a stream of NTFS"},
    {"/admin", "/admin:$i30:$INDEX_ALLOCATION/x", 29, "in the middle of a path"},
    {"/admin", "/admin.::$DATA", 14, "behind a dot"},
    {"/admin", "/admin%3a%3A$data", 17, "encoded"},
    {"/admin", "/admin:x", NO, "a colon alone is a letter"},
    {"/v1/a:b", "/v1/a:b", 7, "also of a rule"},
    {"/v1/a:b", "/v1/a", NO, "and not less"},
    {"/admin", "/admin.x", NO, "a dot in the name"},
    {"/admin", "/admin.json", NO, "an ending is a name of its own"},
    {"/admin", "/a.dmin", NO, "a dot before the end"},
    {"/.well-known", "/.Well-Known/x", 12, "a dot at the beginning"},
    {"/.well-known", "/well-known", NO, "counts"},
    {"/v1", "/v1.1", NO, "a version"},
    {"/v1.1", "/V1.1/x", 5, "with its dot"},
    {"/v1.", "/v1", 3, "a rule that ends in a dot"},
    {"/admin", "/.../admin", NO, "a segment of dots is a name"},
    {"/a/b", "/A./B%20/c", 8, "each segment"},
    {"/link", "/LIN%E2%84%AA", 13, "U+212A, whose lower case is k"},
    {"/list", "/li%C5%BFt", 10, "U+017F, whose upper case is S"},
    {"/admin", "/adm%C4%B1n", 11, "U+0131, whose upper case is I"},
    {"/admin", "/adm%c4%b0n", 11, "U+0130, whose lower case is i"},
    {"/class", "/cla%C3%9F", 10, "U+00DF, which is ss"},
    {"/class", "/CLA%E1%BA%9E", 13, "U+1E9E, which is ss too"},
    {"/file", "/%EF%AC%81le", 12, "U+FB01, whose upper case is FI"},
    {"/office", "/o%EF%AC%83ce", 13, "U+FB03, whose upper case is FFI"},
    {"/best", "/be%EF%AC%86", 12, "U+FB06, whose upper case is ST"},
    {"/f", "/%EF%AC%81le", NO, "half of a character is no segment"},
    {"/admin", "/%2561dmin", 10, "encoded twice, for a chain of servers"},
    {"/admin", "/%252561dmin", 12, "three times"},
    {"/admin", "/%25%36%31dmin", 14, "also where the digits are encoded"},
    {"/admin", "/%2541dmin%252e", 15, "the rest holds behind it"},
    {"/admin", "/admin%252fx", 6, "a slash encoded twice"},
    {"/admin", "/%252fadmin", 11, "several slashes are one"},
    {"/admin", "/%252f%252F%255cadmin/x", 21, "and backslashes are slashes"},
    {"/admin/x", "/admin%255cx", 12, "between segments too"},
    {"/admin", "/admin%253bx=1", 14, "parameters encoded twice"},
    {"/admin", "/admin%252", NO, "half of an encoding"},
    {"/admin", "/admin%25", NO, "and none"},
    {"/100%25", "/100%25/x", 7, "a percent sign"},
    {"/admin", "/admin%3fx", 10, "a question mark, which ends the path for the next reader"},
    {"/admin/", "/admin%3Fx/y", 12, "whatever follows"},
    {"/admin", "/admin.%3F", 10, "behind a dot"},
    {"/admin", "/admin%23x", 10, "and a fragment"},
    {"/admin", "/admin%253fx", 12, "encoded twice"},
    {"/wiki/who%3F", "/wiki/Who%3f", 12, "also of a rule"},
    {"/adm%3Fin", "/adm", 4, "which is then as wide"},
    {"/admin", "/%20admin", 9, "a blank in front, which older servlet frameworks cut off"},
    {"/admin/x", "/admin/%09%20x", 14, "in front of each segment"},
    {"/%20admin", "/admin", 6, "also of a rule"},
    {"/a%20b", "/ab", NO, "a blank in the name"},
    {"/m\xc3\xbcnchen", "/M%C3%9CNCHEN", 13, "Latin-1"},
    {"/m\xc3\xbcnchen", "/m%FCnchen", 10, "in bytes of Latin-1, which IIS reads too"},
    {"/m\xc3\xbcnchen", "/M%DCnchen", 10, "and a capital of these"},
    {"/\xc3\xbf", "/%C5%B8", 7, "a letter whose capital is not in Latin-1"},
    {"/\xc5\x99\xc3\xad\xc5\xa1\xc5\xbe", "/%C5%98%C3%8D%C5%A0%C5%BD", 25, "Czech"},
    {"/\xc5\x82\xc4\x85", "/%C5%81%C4%84", 13, "Polish"},
    {"/\xce\xac\xcf\x8e", "/%CE%86%CE%8F", 13, "Greek with its accents"},
    {"/\xcf\x83", "/%CF%82", 7, "a sigma at the end of a word"},
    {"/\xd2\x91", "/%D2%90", 7, "Ukrainian"},
    {"/\xd5\xa1", "/%D4%B1", 7, "Armenian"},
    {"/\xd0\xb6\xd1\x91", "/%D0%96%D0%81", 13, "Cyrillic"},
    {"/\xcf\x83", "/%CE%A3", 7, "Greek"},
    {"/\xc3\x97", "/%C3%B7", NO, "signs have no case"},
    {"/a\xc3", "/a%C3", 5, "what is not UTF-8"},
    {"/a\xc3x", "/a%C3X", 6, "is compared all the same"},
    {"/", "/Admin", 0, "every path"},
    {"/", "", NO, "but none"},
    {"", "/x", NO, "an empty rule"},
    {"admin", "/admin", NO, "a rule that is no path"},
};

START_TEST(covers_what_the_most_lenient_server_takes_for_the_same) /* C12 */
{
    const struct path_row *row = &wide[_i];
    struct span path = span_from_str(row->path);
    size_t covered = request_path_covered(row->prefix, path, PATH_WIDE);
    ck_assert_msg(covered == (row->covered == NO ? SIZE_MAX : (size_t)row->covered), "%s, %s: %s: %zu", row->prefix, row->path, row->why, covered);
    ck_assert(covered == SIZE_MAX || covered == path.len || path.ptr[covered] == '/' || path.ptr[covered] == '%');
}
END_TEST

START_TEST(looks_ahead_no_further_than_a_name_is_long) /* C12: and what is longer is gated, not let through */
{
    char path[2000] = "/admin";
    for (size_t n = 1; n < 1500; n += 7) {
        memset(path + 6, '.', n);
        snprintf(path + 6 + n, sizeof(path) - 6 - n, "x");
        bool is_covered = request_path_covered("/admin", span_from_str(path), PATH_WIDE) != SIZE_MAX;
        ck_assert_msg(is_covered == (n >= 64), "%zu dots", n);
    }
}
END_TEST

/* ---- beginnings ---- */

static bool is_found(const char *rule, struct span path)
{
    uint64_t numbers[PATH_BEGINNINGS], number = request_path_rule_beginning(rule);
    size_t n = request_path_beginnings(path, numbers);
    bool found = number == 0;
    for (size_t i = 0; i < n; i++)
        found = found || numbers[i] == number;
    return found;
}

static unsigned draw(unsigned below)
{
    static uint64_t seed = 20260102;
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

/* Short and of few parts, so that rules and paths meet; with all that a reading passes over. */
static void draw_path(char out[80], bool odd)
{
    static const char *const parts[] = {"/", "/", "/a", "/b", "a", "ab", "/A", "/%61", ";x", ".", "%2F", "::$DATA", ":$", " ", "%C4%B0", "/i", "%", "\xc3\x9f", "ss"};
    size_t n = (size_t)snprintf(out, 80, "/");
    n -= draw(8) != 0;
    for (unsigned i = 0, count = 1 + draw(6); i < count; i++)
        n += (size_t)snprintf(out + n, 80 - n, "%s", parts[draw(odd ? sizeof(parts) / sizeof(parts[0]) : 6)]);
}

START_TEST(a_rule_that_covers_a_path_is_found_by_it) /* C12 */
{
    char rule[80], path[80];
    unsigned n_covered = 0;
    for (int i = 0; i < 100000; i++) {
        draw_path(rule, draw(2) == 0);
        if (strstr(rule, "//") != NULL)
            continue; /* check refuses such a rule, as no request has an empty segment */
        draw_path(path, draw(2) == 0);
        struct span asked = span_from_str(path);
        bool widely = request_path_covered(rule, asked, PATH_WIDE) != SIZE_MAX, spelled = request_path_covered(rule, asked, PATH_AS_SPELLED) != SIZE_MAX;
        bool found = is_found(rule, asked);
        bool right = found ? widely || request_path_rule_beginning(rule) == 0 : !widely && !spelled;
        if (!right) /* to assert each time takes longer than to ask */
            ck_abort_msg("rule \"%s\", path \"%s\": wide %d, as spelled %d, found %d", rule, path, widely, spelled, found);
        n_covered += widely;
    }
    ck_assert_uint_gt(n_covered, 5000);
}
END_TEST

START_TEST(a_rule_of_very_many_segments_is_found)
{
    char rule[200] = "", path[400] = "";
    for (int i = 0; i < 40; i++) {
        for (int k = 0; k < 3; k++) {
            snprintf(path, sizeof(path), "%s%s", rule, k == 0 ? "" : k == 1 ? "/" : "/x/y");
            bool covers = request_path_covered(rule, span_from_str(path), PATH_WIDE) != SIZE_MAX;
            ck_assert_msg(is_found(rule, span_from_str(path)) || !covers, "%s", rule);
            ck_assert_int_eq(covers, i > 0);
        }
        size_t n = strlen(rule);
        snprintf(rule + n, sizeof(rule) - n, "/s%d", i % 10);
    }
}
END_TEST

START_TEST(the_root_rule_is_found_by_every_path)
{
    ck_assert_uint_eq(request_path_rule_beginning("/"), 0);
    ck_assert_uint_eq(request_path_rule_beginning(""), 0);
    ck_assert_uint_eq(request_path_rule_beginning("/admin/"), request_path_rule_beginning("/admin"));
    ck_assert_uint_eq(request_path_rule_beginning("/ADMIN."), request_path_rule_beginning("/admin"));
    ck_assert_uint_ne(request_path_rule_beginning("/admin"), request_path_rule_beginning("/admin/x"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("request_path");
    TCase *t = tcase_create("request_path");
    tcase_add_loop_test(t, covers_whole_segments_as_spelled, 0, (int)(sizeof(paths) / sizeof(paths[0])));
    tcase_add_loop_test(t, covers_what_the_most_lenient_server_takes_for_the_same, 0, (int)(sizeof(wide) / sizeof(wide[0])));
    tcase_add_test(t, looks_ahead_no_further_than_a_name_is_long);
    tcase_add_test(t, a_rule_that_covers_a_path_is_found_by_it);
    tcase_add_test(t, a_rule_of_very_many_segments_is_found);
    tcase_add_test(t, the_root_rule_is_found_by_every_path);
    suite_add_tcase(s, t);
    return s;
}
