# SPDX-License-Identifier: Apache-2.0
"""Each fuzz harness has a corpus and each corpus a harness; files stay few and small; harnesses stay short."""
import pathlib
import unittest

FUZZ = pathlib.Path(__file__).resolve().parents[1] / "fuzz"
MOST_FILES, MOST_BYTES, MOST_LINES = 150, 8 * 1024, 160


class Fuzz(unittest.TestCase):
    def setUp(self):
        self.harnesses = {p.stem.removeprefix("fuzz_"): p for p in FUZZ.glob("fuzz_*.c")}
        self.corpora = {p.name: sorted(p.iterdir()) for p in (FUZZ / "corpus").iterdir()}

    def test_each_harness_has_its_corpus(self):
        self.assertGreater(len(self.harnesses), 10)
        self.assertEqual(sorted(self.harnesses), sorted(self.corpora))

    def test_a_corpus_is_small(self):
        for name, files in self.corpora.items():
            self.assertTrue(4 < len(files) <= MOST_FILES, f"{name}: {len(files)} files")
            for path in files:
                self.assertLessEqual(path.stat().st_size, MOST_BYTES, path)

    def test_a_harness_is_one_function_and_a_few_properties(self):
        for path in self.harnesses.values():
            text = path.read_text()
            self.assertIn("int LLVMFuzzerTestOneInput(", text, path)
            self.assertIn("assert(", text, path)
            self.assertLessEqual(len(text.splitlines()), MOST_LINES, path)

    def test_every_seed_file_is_written_by_the_script(self):
        script = (FUZZ / "make_corpus.py").read_text()
        for name in self.corpora:
            self.assertIn(f"\ndef {name}():", script, name)


if __name__ == "__main__":
    unittest.main()
