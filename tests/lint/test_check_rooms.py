# SPDX-License-Identifier: Apache-2.0
"""The rules of check_rooms.py: each holds for this repository, and each is shown to complain about a tree that breaks it."""
import pathlib
import unittest

import check_rooms

HEADER = "/* SPDX-License-Identifier: Apache-2.0 */\n"
ROOT = pathlib.Path(__file__).resolve().parents[2]


def tree(**files):
    """Paths are written with two underscores for a slash and a trailing _c or _h for the suffix."""
    out = {}
    for name, text in files.items():
        path = name.replace("__", "/")
        out[path[:-2] + "." + path[-1] if path[-2:] in ("_c", "_h") else path] = text
    return out


class Repository(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = check_rooms.read_tree(ROOT)

    def hold(self, rule):
        complaints = rule(self.tree)
        self.assertEqual([], complaints, "\n" + "\n".join(complaints))

    def test_rooms_include_only_lower_rooms(self):
        self.hold(check_rooms.check_ranks)

    def test_libraries_stay_in_their_rooms(self):
        self.hold(check_rooms.check_libraries)

    def test_no_banned_call(self):
        self.hold(check_rooms.check_banned)

    def test_every_source_has_a_licence_line(self):
        self.hold(check_rooms.check_licence)

    def test_every_pure_source_has_a_test_twin(self):
        self.hold(check_rooms.check_twins)

    def test_file_names_are_unique(self):
        self.hold(check_rooms.check_basenames)

    def test_structs_and_files_of_the_proxy_are_small(self):
        self.hold(check_rooms.check_sizes)

    def test_the_top_level_is_small(self):
        self.hold(check_rooms.check_top_level)

    def test_the_tree_that_was_read_is_not_empty(self):
        self.assertGreater(len(check_rooms.sources(self.tree)), 20)


class RulesCanFail(unittest.TestCase):
    """A rule that never complains proves nothing."""

    def complains(self, rule, word, **files):
        complaints = rule(tree(**files))
        self.assertTrue(any(word in c for c in complaints), complaints)

    def content(self, rule, **files):
        self.assertEqual([], rule(tree(**files)))

    def test_ranks(self):
        self.complains(check_rooms.check_ranks, "http/ is not below", src__tls__a_c='#include "mtlsd/http/http1.h"\n')
        self.complains(check_rooms.check_ranks, "http/ is not below", include__mtlsd__tls__a_h='#include "mtlsd/http/x.h"\n')
        self.complains(check_rooms.check_ranks, "neither", src__tls__a_c='#include "inner.h"\n', src__http__inner_h="")
        self.complains(check_rooms.check_ranks, "not a room", src__attic__a_c="")
        self.content(check_rooms.check_ranks, src__http__a_c='#include "mtlsd/tls/t.h"\n#include "b.h"\n', src__http__b_h="",
                     src__tls__c_c='/* #include "mtlsd/http/http1.h" */\n')

    def test_folders_are_for_commands_and_name_the_folder_of_another(self):
        self.complains(check_rooms.check_ranks, "no folders", src__tls__in__a_c="")
        self.complains(check_rooms.check_ranks, "no folders", src__cli__in__deep__a_c="")
        self.complains(check_rooms.check_ranks, "neither", src__cli__one__a_c='#include "b.h"\n', src__cli__two__b_h="")
        self.content(check_rooms.check_ranks, src__cli__one__a_c='#include "two/b.h"\n#include "c.h"\n#include "d.h"\n', src__cli__two__b_h="",
                     src__cli__one__c_h="", src__cli__d_h="")
        self.complains(check_rooms.check_libraries, "belongs to tls", src__cli__one__a_c="#include <gnutls/x509.h>\n")

    def test_libraries(self):
        self.complains(check_rooms.check_libraries, "belongs to io", src__proxy__a_c="#include <uv.h>\n")
        self.complains(check_rooms.check_libraries, "belongs to io", src__control__a_c="#  include <curl/curl.h>\n")
        self.complains(check_rooms.check_libraries, "belongs to tls", src__daemon__a_c="#include <gnutls/x509.h>\n")
        self.complains(check_rooms.check_libraries, "belongs to http", src__proxy__a_c='#include "llhttp.h"\n')
        self.complains(check_rooms.check_libraries, "belongs to config", src__daemon__a_c="#include <libconfig.h>\n")
        self.complains(check_rooms.check_libraries, "contract header", include__mtlsd__tls__a_h="#include <gnutls/gnutls.h>\n")
        self.content(check_rooms.check_libraries, src__io__a_c="#include <uv.h>\n", src__tls__b_c="#include <gnutls/gnutls.h>\n")

    def test_banned_calls(self):
        for name in check_rooms.BANNED_EVERYWHERE:
            self.complains(check_rooms.check_banned, f"{name}() is banned", src__io__a_c=f"void f(void)\n{{\n    {name}(x);\n}}\n")
        self.complains(check_rooms.check_banned, "prints", src__tls__a_c='int x = printf("hello");')
        self.complains(check_rooms.check_banned, "belongs in io", src__proxy__a_c="time_t t = time(NULL);")
        self.complains(check_rooms.check_banned, "belongs in io", src__daemon__a_c="int fd = socket(AF_INET, 1, 0);")
        self.complains(check_rooms.check_banned, "pure room", src__policy__a_c="#include <sys/socket.h>\n")
        self.content(check_rooms.check_banned, src__tls__a_c='snprintf(b, n, "x"); x->open(y); v.time(1); my_connect(z);',
                     src__base__b_c='/* printf("x") */ const char *s = "strcpy(a, b)";', src__io__c_c="connect(a, b, c);",
                     src__daemon__d_c='printf("x");', src__cli__one__e_c='puts("x");')

    def test_an_exception_is_for_its_file_and_its_call_only(self):
        self.content(check_rooms.check_banned, src__config__config_source_c='f = fopen("x", "r");')
        self.complains(check_rooms.check_banned, "belongs in io", src__config__config_source_c="unlink(p);")
        self.complains(check_rooms.check_banned, "belongs in io", src__config__config_c='f = fopen("x", "r");')
        self.assertEqual([], [path for path in check_rooms.EXCEPTIONS if not (ROOT / path).exists()])

    def test_licence(self):
        self.complains(check_rooms.check_licence, "no SPDX", src__io__a_c="int x;\n")
        self.complains(check_rooms.check_licence, "no SPDX", **{"tests/x.py": "#!/usr/bin/env python3\nimport os\n"})
        self.complains(check_rooms.check_licence, "no SPDX", **{"CMakeLists.txt": "project(x)\n"})
        self.content(check_rooms.check_licence, src__io__a_c=HEADER,
                     **{"tests/x.sh": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", "README.md": "hello\n"})

    def test_twins(self):
        self.complains(check_rooms.check_twins, "no test twin tests/unit/tls/test_a.c", src__tls__a_c="")
        self.content(check_rooms.check_twins, src__tls__a_c="", tests__unit__tls__test_a_c="", src__io__b_c="", src__daemon__c_c="")
        self.content(check_rooms.check_twins, src__proxy__a_c="", tests__flow__test_a_c="")

    def test_basenames(self):
        self.complains(check_rooms.check_basenames, "more than once", src__tls__a_c="", src__http__a_c="")
        self.complains(check_rooms.check_basenames, "more than once", include__mtlsd__tls__a_h="", src__http__a_h="")
        self.content(check_rooms.check_basenames, src__tls__a_c="", include__mtlsd__tls__a_h="")

    def test_sizes(self):
        nineteen = "struct one { int a, b; void (*c)(int x, int y); struct { int d; int e; } f; /* g; h; */ char i[2]; };\n" + "struct many {" + "int a;" * 19
        self.complains(check_rooms.check_sizes, "struct many has 21 fields", src__proxy__a_h=nineteen + "struct two { int b, e; } c, d; };")
        self.complains(check_rooms.check_sizes, "401 lines", src__proxy__a_c="\n" * 401)
        self.content(check_rooms.check_sizes, include__mtlsd__proxy__a_h=nineteen + "struct two { int b; } c; };" + "\n" * 399, src__http__a_c="\n" * 500)
        self.complains(check_rooms.check_sizes, "struct without a name has 21 fields", src__proxy__a_c="static struct {" + "int a;" * 21 + "} one;")
        self.complains(check_rooms.check_sizes, "struct outer has 21 fields", src__proxy__a_c="struct outer { struct inner {" + "int a;" * 19 + "} b; int c, d; };")
        self.assertEqual([(1, "one", 6), (1, "without a name", 2)], check_rooms.struct_fields(nineteen)[:2])

    def test_circles(self):
        one, other = "void one(void)\n{\n    other();\n}\n", "const struct row other_rows[2] = {0};\nint other(void)\n{\n    return 0;\n}\n"
        back = other.replace("return 0", "return one()")
        self.complains(check_rooms.check_circles, "a_circle.c, link.c", src__proxy__a_circle_c=one, src__proxy__link_c=back)
        self.complains(check_rooms.check_circles, "client_in.c, uplink.c", src__proxy__client_in_c=one, src__proxy__uplink_c=back)
        self.complains(check_rooms.check_circles, "a.c, b.c, c.c", src__proxy__a_c=one, src__proxy__b_c=other.replace("return 0", "third()"),
                       src__proxy__c_c="int third(void)\n{\n    return one();\n}\n")
        self.complains(check_rooms.check_circles, "a.c, b.c", src__proxy__a_c="void one(void)\n{\n    use(other_rows);\n}\n", src__proxy__b_c=back)
        self.content(check_rooms.check_circles, src__proxy__a_c=one, src__proxy__b_c=other, src__proxy__c_c="/* one() */ static int two(void);\n")
        self.content(check_rooms.check_circles, src__proxy__client_in_c=one, src__proxy__exchange_c=back)
        self.complains(check_rooms.check_circles, "one_a.c, one_b.c", src__control__one_a_c=one, src__control__one_b_c=back)

    def test_the_numbers_of_a_room(self):
        files = {"src/proxy/a.c": "struct x { int a, b; };\nvoid one(void)\n{\n    other();\n}\n", "src/proxy/b.c": "void other(void)\n{\n    one();\n}\n"}
        line = [words.split() for words in check_rooms.numbers(files) if words.startswith("proxy")]
        self.assertEqual([["proxy", "2", "9", "5", "a.c", "2", "x", "2"]], line)

    def test_top_level(self):
        self.complains(check_rooms.check_top_level, "notes.txt", **{"notes.txt": ""})
        self.content(check_rooms.check_top_level, **{"README.md": "", ".ci/run": "", "src/x.c": ""})

    def test_the_length_report_names_a_long_file(self):
        self.assertEqual(["src/io/a.c: 401 lines"], check_rooms.length_report({"src/io/a.c": "\n" * 401, "src/io/b.c": "\n"}))


if __name__ == "__main__":
    unittest.main()
