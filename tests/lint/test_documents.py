# SPDX-License-Identifier: Apache-2.0
"""document_object and document_add take one argument for each member that they name; no compiler counts them."""
import re
import unittest

import check_rooms
from test_check_rooms import ROOT

TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|.', re.S)


def arguments(text):
    """The arguments of a call, whose text begins behind its opening bracket."""
    found, depth = [""], 1
    for token in TOKEN.findall(text):
        depth += (token in "([{") - (token in ")]}")
        if depth == 0:
            return [a.strip() for a in found]
        if token == "," and depth == 1:
            found.append("")
        else:
            found[-1] += token
    return []


def complaints(path, text):
    found = []
    for call in re.finditer(r"(?<![\w*])document_(object|add)\(", text):
        words = arguments(text[call.end():])
        if call[1] == "add":
            words = words[1:]
        names = "".join(re.findall(r'"((?:\\.|[^"\\])*)"', words[0])) if "?" not in words[0] else re.search(r'"(.*?)"', words[0])[1]
        wrong = [m for m in names.split() if not re.fullmatch(r"\w+:[twiIzUbfo]", m)]
        if '"' in words[0] and (wrong or len(names.split()) != len(words) - 1):
            found.append(f"{path}:{text.count(chr(10), 0, call.start()) + 1}: {len(names.split())} members, {len(words) - 1} arguments {' '.join(wrong)}")
    return found


class Documents(unittest.TestCase):
    def test_each_member_has_its_argument(self):
        sources = {p: t for p, _, t in check_rooms.sources(check_rooms.read_tree(ROOT)) if p.startswith(("src/control/", "src/cli/"))}
        self.assertGreater(sum("document_object(" in t for t in sources.values()), 5)
        self.assertEqual([], [c for p, t in sources.items() for c in complaints(p, t)])

    def test_these_checks_can_fail(self):
        self.assertEqual([], complaints("a.c", 'x = document_object("a:t b:i", f("),", 1), 2); y = document_add(x, i ? "c:o" : "d:o", z);'))
        for bad in ('document_object("a:t b:i", x)', 'document_object("a:t", x, y)', 'document_add(j, "a:s", x)', 'document_object("a:t b", x, y)'):
            self.assertEqual(1, len(complaints("a.c", bad)), bad)


if __name__ == "__main__":
    unittest.main()
