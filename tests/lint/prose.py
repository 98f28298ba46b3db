# SPDX-License-Identifier: Apache-2.0
"""The sentences that people read (manual pages, help texts, README) and the rules that a machine can hold them to."""
import re

MAX_WORDS = 25
# Words that hide who does something, inverted order, and the project's own words where the field has a term. Each: pattern, and what to write.
RIDDLES = [(re.compile(pattern, re.I if pattern.islower() else 0), instead) for pattern, instead in (
    (r"\bwhoever\b", "name the client, user or program"),
    (r"\bsomebody\b", "name the client, user or program"),
    (r"\bnobody\b", "name the client, user or program"),
    (r"\beverybody\b", "name the clients, users or programs"),
    (r"\bof then\b", "say which: the original one"),
    (r"\bone that\b", "name the thing"),
    (r"\bhis own\b", "its"),
    (r"\bpassed over\b", "skipped"),
    (r"\bbecomes of\b", "say what happens"),
    (r"\banew\b", "again"),
    (r"\bis told\b", "is logged, shows, names"),
    (r"^For that ", "so that"),
    (r"\bis let in\b", "is accepted"),
    (r"\blets? in\b", "accept"),
    (r"\bjudge[sd]?\b", "verify, check"),
    (r"^(Who|What|Whatever) (?!to do\b)", "begin with the subject"),
    (r"^(Of|To whom|From whom) ", "begin with the subject"),
)]


# Held in comments and messages too, where the other patterns would find too much.
HIDDEN = re.compile(r"\b(whoever|somebody|nobody|everybody|anybody|of then|his own|passed over|becomes of|anew)\b", re.I)


def hidden_subjects(code):
    """(line, word) of each in the comments and string literals of C source."""
    return [(code.count("\n", 0, text.start() + word.start()) + 1, word[0])
            for text in re.finditer(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', code, re.S) for word in HIDDEN.finditer(text[0])]


# A comment that begins so does not say what it is about before its end.
INVERTED = re.compile(r"/\*[\s*]*(What|Who|Whom|Whatever)\b(?! to do\b)")


def inverted_comments(code):
    """(line, word) of each comment of C source that begins so."""
    return [(code.count("\n", 0, found.start()) + 1, found[1]) for found in INVERTED.finditer(code)]


def sentences(text):
    """The sentences of running text. A colon ends one too: what follows is a list or a sentence of its own."""
    text = re.sub(r"\b(e\.g|i\.e|etc)\.", r"\1", " ".join(text.split()))
    return [s for s in re.split(r"(?<=[.!?:])[\")]* ", text) if re.search(r"\w", s)]


def faults(text):
    """What is wrong with a text, a line each."""
    found = []
    for sentence in sentences(text):
        words = [w for w in sentence.split() if re.search(r"\w", w)]
        if len(words) > MAX_WORDS:
            found.append(f"{len(words)} words: {sentence}")
        found += [f'"{m[0].strip()}", rather: {instead}: {sentence}' for pattern, instead in RIDDLES for m in pattern.finditer(sentence)]
    return found


INLINE = {"Ic", "Li", "Ql", "Cm", "Fl", "Xr", "Dv", "Pa", "Ev", "Em", "Sy", "Sx", "Ar", "Dq", "Qq", "Pq", "Ns", "Nm"}


def unescape(text):
    text = text.replace(r"\&", "").replace(r"\e", "\\")
    return re.sub(r"\\\((\w\w)", lambda m: {"dq": '"', "aq": "'"}.get(m[1], ""), text)


def inline(name, rest):
    """A literal counts as one word, however long it is; what stands behind it is punctuation."""
    rest = f"mtlsd {rest}" if name == "Nm" and not re.match(r"\w", rest) else rest
    literal, end = re.fullmatch(r"(.*?)((?: [.,:;)])*)", rest).groups()
    if name in {"Dq", "Qq", "Em", "Sy"}:
        return literal + end.replace(" ", "")
    word = re.sub(r"\W+", "_", literal).strip("_") or "x"
    return ("(x)" if name == "Pq" else word) + end.replace(" ", "")


def manual_texts(page):
    """The paragraphs of a manual page in mdoc, without headings, synopses and literal blocks."""
    texts, now, literal = [], [], False
    for line in page.splitlines() + [".Pp"]:
        name, _, rest = line[1:].partition(" ") if line.startswith(".") else ("", "", "")
        if name in {"Bd", "Ed"}:
            literal = name == "Bd"
        if literal and name != "Bd" or line.startswith((r".\"", ".Dd", ".Dt", ".Os", ".Rs", ".%", ".Re")):
            continue
        if name == "" or name in INLINE:
            now.append(unescape(line if name == "" else inline(name, rest)))
        else:
            texts.append(" ".join(now))
            now = []
            if name == "Nd":
                texts.append(unescape(rest))
    return [t for t in texts if t]


def markdown_texts(page):
    """The paragraphs, list items and table cells of a page in Markdown, without headings, code and comments."""
    page = re.sub(r"^```.*?^```$", "\n", page, flags=re.M | re.S)
    page = re.sub(r"<!--.*?-->", "", page)
    page = re.sub(r"`[^`]*`", "code", page)
    page = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", page).replace("**", "")
    texts = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-|#]|\d+\. ))", page):
        block = block.strip()
        if block.startswith("|"):
            texts += [cell.strip() for cell in block.split("|") if not set(cell) <= set("- ")]
        elif not block.startswith("#"):
            texts.append(re.sub(r"^(?:-|\d+\.) ", "", block))
    return [t for t in texts if t]


def conf_texts(page):
    """The comments of a configuration, without the commands and settings in them."""
    lines = ["" if re.search(r" = |^#   ", line) or not line.startswith("#") else line.lstrip("# ") for line in page.splitlines()]
    inline_comments = re.findall(r"^[^#\n]*;\s*# (.*)$", page, re.M)
    return [t for t in "\n".join(lines).split("\n\n") + inline_comments if t.strip()]


STRING = r'"(?:[^"\\]|\\.)*"'
HELP = re.compile(rf'(?:\.(?:help|about|before|after)\s*=|\{{"[a-z]+", cmd_\w+,)\s*((?:{STRING}|[A-Z_]+|\s)+)')


def help_texts(code):
    """The help texts in C source: adjacent string literals are one text, and a line break alone does not end a sentence."""
    texts = []
    for found in HELP.findall(code):
        text = "".join(s[1:-1] for s in re.findall(STRING, found)).replace(r"\"", '"').replace(r"\n  ", ":\n")
        texts.append(re.sub(r"\\n", " ", text))
    return texts
