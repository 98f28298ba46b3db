# SPDX-License-Identifier: Apache-2.0
"""src/attacks.md: the rows that comments and tests refer to, and the tests that the rows name."""
import re
import unittest

from test_check_rooms import ROOT

TEXT = (ROOT / "src/attacks.md").read_text()
REFERENCE = re.compile(r"\bsecurity ([A-Z]\d{1,2})\b")
# In tests: at the end of a line's comment, in a comment's list, at the begin of a sentence or of the reason of a table's row.
NAMED = re.compile(r'(?<![\w"#])([A-F]\d{1,2})(?=[,):;. */\n]|$)')
COMMENTS = re.compile(r'/\*.*?\*/|""".*?"""|#[^\n]*|"[A-F]\d{1,2}: ', re.S)


def rows_of(text):
    """{row: [file, ...]}"""
    return {row: tests.split(", ") for row, tests in re.findall(r"^\| ([A-Z]\d+) \|.*\| ([^|]*) \|$", text, re.M)}


def unknown_references(sources, rows):
    return sorted({(name, row) for name, text in sources.items() for row in REFERENCE.findall(text) if row not in rows})


def wrong_tests(rows, tests):
    """Test files that a row names and that are not there, or rows that none of their files names."""
    absent = [(row, name) for row, names in rows.items() for name in names if name not in tests]
    silent = [row for row, names in rows.items()
              if not any(row in NAMED.findall(comment) for name in names if name in tests for comment in COMMENTS.findall(tests[name]))]
    return absent, silent


def read(folders, *patterns):
    return {path.name: path.read_text(errors="replace") for folder in folders for pattern in patterns for path in (ROOT / folder).rglob(pattern)}


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = rows_of(TEXT)
        cls.sources = read(["src", "include"], "*.c", "*.h")
        cls.tests = read(["tests"], "test_*.c", "test_*.py")

    def test_every_reference_in_the_code_has_a_row(self):
        self.assertEqual([], unknown_references(self.sources, self.rows))

    def test_every_row_names_tests_that_name_it(self):
        self.assertEqual(([], []), wrong_tests(self.rows, self.tests))

    def test_every_sentence_is_short(self):
        cells = [cell for line in re.findall(r"^\| [A-Z]\d+ \|(.*)\|[^|]*\|$", TEXT, re.M) for cell in line.split("|")]
        long = [s for cell in cells for s in re.split(r"(?<=[.;]) ", cell) if len(s.split()) > 25]
        self.assertEqual([], long)

    def test_these_checks_can_fail(self):
        rows = rows_of("| A1 | a | b | test_x.c, test_gone.c |\n| A2 | a | b | test_x.c |\n")
        self.assertEqual([("f.c", "Z9")], unknown_references({"f.c": "as in security Z9, and security A1"}, rows))
        self.assertEqual(([("A1", "test_gone.c")], ["A2"]), wrong_tests(rows, {"test_x.c": "START_TEST(x) /* A1 */"}))


if __name__ == "__main__":
    unittest.main()
