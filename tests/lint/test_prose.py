# SPDX-License-Identifier: Apache-2.0
"""Sentences that people read have at most 25 words and none of the phrases that hide the subject: the manual pages, help texts and README."""
import unittest

import prose
from test_check_rooms import ROOT

PAGES = ["README.md", "src/README.md", "src/attacks.md", "src/where.md", ".github/SECURITY.md", ".github/CONTRIBUTING.md", "tests/bench/README.md"]


def faults_of(texts):
    return [fault for text in texts for fault in prose.faults(text)]


class Prose(unittest.TestCase):
    def test_the_manual_pages_are_plain(self):
        for page in ("mtlsd.1", "mtlsd.conf.5"):
            texts = prose.manual_texts((ROOT / "packaging/man" / page).read_text())
            self.assertGreater(len(texts), 100)
            self.assertEqual([], faults_of(texts), page)

    def test_every_help_is_plain(self):
        texts = [text for path in sorted((ROOT / "src").rglob("*.c")) for text in prose.help_texts(path.read_text())]
        self.assertGreater(len(texts), 100)
        self.assertEqual([], faults_of(texts))

    def test_the_pages_are_plain(self):
        for page in PAGES:
            with self.subTest(page):
                self.assertEqual([], faults_of(prose.markdown_texts((ROOT / page).read_text())))

    def test_comments_and_messages_name_who_does_it(self):
        found = [f"{path.relative_to(ROOT)}:{line}: {word}" for folder in ("src", "include") for path in sorted((ROOT / folder).rglob("*.[ch]"))
                 for line, word in prose.hidden_subjects(path.read_text())]
        self.assertEqual([], found)

    def test_comments_begin_with_what_they_are_about(self):
        found = [f"{path.relative_to(ROOT)}:{line}: {word}" for folder in ("src", "include") for path in sorted((ROOT / folder).rglob("*.[ch]"))
                 for line, word in prose.inverted_comments(path.read_text())]
        self.assertEqual([], found)

    def test_the_comments_of_sample_configurations_are_plain(self):
        for path in sorted((ROOT / "conf").iterdir()):
            with self.subTest(path.name):
                self.assertEqual([], faults_of(prose.conf_texts(path.read_text())))


class PlainProse(unittest.TestCase):
    """The checks themselves."""

    def test_a_long_sentence_is_found_and_a_colon_ends_one(self):
        words = "one two three four five six seven eight nine ten eleven twelve"
        self.assertEqual([], prose.faults(f"{words} {words} one."))
        self.assertEqual(1, len(prose.faults(f"{words} {words} one two.")))
        self.assertEqual([], prose.faults(f"{words}: {words} one two. {words} e.g. one"))

    def test_each_phrase_is_found(self):
        for text in ("Whoever asks gets it.", "A list that somebody signed.", "A target is passed over.", "The certificate of then counts.", "One that is old.",
                     "Of refusals, a client gets 20.", "What is told, and where.", "Who is late.", "It is judged again.", "Written anew.", "Clients are let in.",
                     "For that a disk is not filled, lines are left out."):
            self.assertNotEqual([], prose.faults(text), text)
        for text in ("What to do: renew it.", "The letter is in an envelope.", "No rule is made for that. Office hours count."):
            self.assertEqual([], prose.faults(text), text)

    def test_a_hidden_subject_is_found_in_comments_and_literals_only(self):
        self.assertEqual([(3, "Whoever"), (3, "anew"), (4, "somebody")], prose.hidden_subjects('int nobody;\n/* a\n * Whoever asks anew. */\n"x\\"somebody"'))

    def test_an_inverted_comment_is_found(self):
        self.assertEqual([(1, "What"), (3, "Who")], prose.inverted_comments("/* What a peer sends. */\nint x; /* the peer: What? */\n/*\n * Who asks.\n */\n/* What to do. */"))

    def test_a_manual_page_is_read_without_headings_and_literals(self):
        page = ('.Sh NAME\n.Nm x\n.Nd does a thing\n.Sh TEXT\nSee\n.Ic a b c\nand\n.Fl -f ,\nboth.\n.Bd -literal\nwhoever\n.Ed\n.It Li whoever\n'
                'Next\n.Li \\(dqq\\(dq .\n.\\" whoever\nLast.\n')
        self.assertEqual(["x", "does a thing", "See a_b_c and f, both.", "Next dqq_dq. Last."],
                         [text.replace("\\", "").replace("(", "") for text in prose.manual_texts(page)])

    def test_a_markdown_page_is_read_without_code_and_headings(self):
        page = "# Whoever\n\nOne `a b c` and\n[two](three four).\n\n```\nwhoever\n```\n\n| a | b c |\n| --- | --- |\n| **d** | `e` |\n- f\n- g\n<!-- whoever -->\n"
        self.assertEqual(["One code and\ntwo.", "a", "b c", "d", "code", "f", "g"], prose.markdown_texts(page))

    def test_the_comments_of_a_configuration_are_read_without_its_settings(self):
        page = "# One\n# two.\n#   whoever --command\n\na = 1; # three\n# whoever = 2;\n"
        self.assertEqual(["One\ntwo.", "three"], [text.strip() for text in prose.conf_texts(page)])

    def test_help_texts_are_joined_from_their_pieces(self):
        code = '{.name = "--x", .help = "a \\"b\\"\\nc " D " d"},\n.about = "One.\\n"\n  "Two.",\n{"run", cmd_run, "run it"},\nx = "whoever";'
        self.assertEqual(['a "b" c  d', "One. Two.", "run it"], prose.help_texts(code))


if __name__ == "__main__":
    unittest.main()
