# SPDX-License-Identifier: Apache-2.0
"""src/README.md and src/where.md name functions, files and rooms: each must be there, so that the map stays the map."""
import re
import unittest

import check_rooms
from test_check_rooms import ROOT

TEXT = (ROOT / "src/README.md").read_text()
BOTH = TEXT + (ROOT / "src/where.md").read_text()


def missing_names(text, code):
    """Names in backquotes that look like identifiers and that the code does not have."""
    names = {n for n in re.findall(r"`([A-Za-z][A-Za-z0-9]*_\w+)`", text)}
    return sorted(n for n in names if not re.search(rf"\b{n}", code))


def missing_files(text, tree):
    """Paths in backquotes below src/ that are not there."""
    paths = re.findall(r"`((?:%s)/[\w/]+\.[ch])`" % "|".join(check_rooms.ROOMS), text)
    return sorted(p for p in paths if f"src/{p}" not in tree and f"include/mtlsd/{p}" not in tree)


class SourceReadme(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tree = check_rooms.read_tree(ROOT)
        cls.code = "\n".join(text for _, _, text in check_rooms.sources(cls.tree))

    def test_is_at_most_150_lines(self):
        self.assertLessEqual(TEXT.count("\n"), 150)

    def test_every_function_it_names_exists(self):
        self.assertEqual([], missing_names(BOTH, self.code))

    def test_every_file_it_names_exists(self):
        self.assertEqual([], missing_files(BOTH, self.tree))

    def test_lists_the_rooms_in_their_order(self):
        rows = re.findall(r"^\| `(\w+)/` \|", TEXT, re.M)
        self.assertEqual(check_rooms.ROOMS, rows)

    def test_these_checks_can_fail(self):
        self.assertEqual(["gone_away"], missing_names("`gone_away` and `is_here`", "int is_here(void);"))
        self.assertEqual(["tls/gone.c"], missing_files("`tls/gone.c` and `cli/x/here.c`", {"src/cli/x/here.c": ""}))


if __name__ == "__main__":
    unittest.main()
