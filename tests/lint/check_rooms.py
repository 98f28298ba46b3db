#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the sources to the plan of the house (src/README.md).

Each rule is a function from a tree, a dict of path to text, to a list of complaints; test_check_rooms.py shows that each can complain.
usage: check_rooms.py [FOLDER]               prints complaints and a length report, exit code 1 when there is a complaint
       check_rooms.py --numbers [FOLDER]     prints the size of each room
"""
import collections
import pathlib
import re
import subprocess
import sys

# Lowest first: a room includes only itself and rooms listed before it.
ROOMS = ["base", "config", "tls", "http", "policy", "proxy", "control", "keys", "io", "daemon", "cli"]
# A command of more than one file has a folder below its room.
ROOMS_WITH_FOLDERS = ["cli"]
# Commands say what they have to say on the terminal, the daemon where it has no log yet.
PRINTING_ROOMS = ["daemon", "cli"]
# Everything that decides; these have no sockets, files, clocks, and a test twin per file.
PURE_ROOMS = ["base", "config", "tls", "http", "policy", "proxy", "control", "keys"]

LIBRARY_OWNERS = {
    r"gnutls/.*": {"tls"},
    r"(llhttp|nghttp2/.*)(\.h)?": {"http"},
    r"libconfig\.h": {"config"},
    r"(uv|curl/.*|sqlite3|libpq-fe|seccomp)(\.h)?": {"io"},
    r"jansson\.h": {"control", "cli"},
    r"(protobuf-c/.*|workload\.pb-c\.h)": {"control"},
}
BANNED_EVERYWHERE = "strcpy strcat sprintf vsprintf strncpy strtok atoi atol gets alloca".split()
SYSTEM_CALLS = """socket bind listen accept accept4 connect send sendto sendmsg recv recvfrom recvmsg getaddrinfo
    open openat creat fopen freopen opendir stat lstat fstat unlink rename mkdir
    time gettimeofday clock_gettime clock usleep nanosleep sleep""".split()
SYSTEM_HEADERS = """sys/socket.h netinet/in.h netdb.h sys/un.h fcntl.h dirent.h sys/stat.h sys/time.h
    sys/mman.h sys/epoll.h poll.h pthread.h""".split()
# What a file may do although its room may not, and why.
EXCEPTIONS = {
    # The configuration reads itself: the parser needs each included file at the place where it is named (mtlsd/config/config.h).
    "src/config/config_source.c": {"fopen", "fstat", "sys/stat.h"},
    # Pages of keys are locked; key bytes do not leave the room.
    "src/tls/tls_key_memory.c": {"sys/mman.h"},
}
PRINTING = "printf vprintf fprintf vfprintf puts fputs putchar putc fputc perror dprintf".split()
TOP_LEVEL = {"src", "include", "conf", "tests", "packaging", "CMakeLists.txt", "CMakePresets.json", "README.md", "LICENSE"}
REPORT_LINES = 400
SMALL_ROOMS, MOST_LINES, MOST_FIELDS = ["proxy"], 400, 20
# Files that use one another in a circle, by the first words of their names. An exchange belongs to a client, and tells it of its end.
CIRCLES = {"base": [], "policy": [], "proxy": [{"client", "exchange"}, {"uplink"}], "control": [], "keys": []}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    """The room a source or contract header belongs to, or None."""
    match = re.match(r"(?:src|include/mtlsd)/([a-z0-9_]+)/(?:[^/]+/)*[^/]+\.[ch]$", path)
    return match.group(1) if match else None


def sources(tree):
    """(path, room, text) of every C file that belongs to a room."""
    return [(path, room_of(path), text) for path, text in sorted(tree.items()) if room_of(path)]


def code_only(text):
    """The text with comments and literals blanked; line numbers stay."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def includes(text):
    """(line, is_system, name) of each include that is not inside a comment."""
    without_comments = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)
    return [(line_of(text, m.start(2)), m.group(1) == "<", m.group(2)) for m in INCLUDE.finditer(without_comments)]


def calls(text, names):
    """(line, name) of each call of one of the names. A member or a prefixed function of that name is another thing."""
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(names) + r")\s*\(")
    code = code_only(text)
    return [(line_of(code, m.start()), m.group(1)) for m in pattern.finditer(code)]


def check_ranks(tree):
    """A room includes contract headers of itself and of lower rooms, and private headers only of itself."""
    found = []
    for path, room, text in sources(tree):
        if room not in ROOMS:
            found.append(f"{path}: '{room}' is not a room; the rooms are {', '.join(ROOMS)}")
            continue
        if not folder_is_allowed(path, room):
            found.append(f"{path}: {room}/ has no folders; only {', '.join(ROOMS_WITH_FOLDERS)} has, one deep")
        for line, system, name in includes(text):
            if system:
                continue
            parts = name.split("/")
            if parts[0] == "mtlsd" and len(parts) == 3:
                other = parts[1]
                if other not in ROOMS or ROOMS.index(other) > ROOMS.index(room):
                    found.append(f"{path}:{line}: {room}/ may not include {name}: {other}/ is not below it")
            elif f"src/{room}/{name}" not in tree and f"{path.rsplit('/', 1)[0]}/{name}" not in tree:
                found.append(f"{path}:{line}: \"{name}\" is neither a contract header nor a private header of {room}/")
    return found


def folder_is_allowed(path, room):
    deep = path.count("/") - (3 if path.startswith("include/") else 2)
    return deep == 0 or (deep == 1 and room in ROOMS_WITH_FOLDERS and path.startswith("src/"))


def check_libraries(tree):
    """Each library's header is seen in its own room only, and in no contract header at all."""
    found = []
    for path, room, text in sources(tree):
        for line, _, name in includes(text):
            for pattern, owners in LIBRARY_OWNERS.items():
                if not re.fullmatch(pattern, name):
                    continue
                if room not in owners:
                    found.append(f"{path}:{line}: <{name}> belongs to {' and '.join(sorted(owners))}/")
                elif path.startswith("include/"):
                    found.append(f"{path}:{line}: a contract header names the foreign header <{name}>")
    return found


def check_banned(tree):
    """No function that cannot know its bounds; no system call outside io/; no printing outside the command line."""
    found = []
    for path, room, text in sources(tree):
        for line, name in calls(text, BANNED_EVERYWHERE):
            found.append(f"{path}:{line}: {name}() is banned")
        if room not in PRINTING_ROOMS:
            for line, name in calls(text, PRINTING):
                found.append(f"{path}:{line}: {name}() prints; only {' and '.join(PRINTING_ROOMS)} do")
        if room != "io":
            for line, name in calls(text, SYSTEM_CALLS):
                if name not in EXCEPTIONS.get(path, ()):
                    found.append(f"{path}:{line}: {name}() belongs in io/")
        if room in PURE_ROOMS:
            for line, _, name in includes(text):
                if name in SYSTEM_HEADERS and name not in EXCEPTIONS.get(path, ()):
                    found.append(f"{path}:{line}: <{name}> in a pure room")
    return found


def check_licence(tree):
    """The licence line comes first, or second after an interpreter line."""
    found = []
    for path, text in sorted(tree.items()):
        if not re.search(r"(\.(c|h|py|sh|cmake)|/?CMakeLists\.txt)$", path):
            continue
        lines = text.split("\n")
        first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        if "SPDX-License-Identifier: Apache-2.0" not in first:
            found.append(f"{path}:1: no SPDX-License-Identifier line")
    return found


def check_twins(tree):
    """Each source file of a pure room has its test file; for one that only makes sense in a whole connection that is a flow test."""
    found = []
    for path in sorted(tree):
        source = re.match(r"src/([a-z0-9_]+)/([^/]+)\.c$", path)
        if source and source.group(1) in PURE_ROOMS:
            twin = f"tests/unit/{source.group(1)}/test_{source.group(2)}.c"
            if twin not in tree and f"tests/flow/test_{source.group(2)}.c" not in tree:
                found.append(f"{path}: no test twin {twin}")
    return found


def check_basenames(tree):
    """A file name says where one is: no two source files, and no two headers, share it."""
    places = collections.defaultdict(list)
    for path, _, _ in sources(tree):
        places[path.rsplit("/", 1)[1]].append(path)
    return [f"{name}: used more than once: {', '.join(paths)}" for name, paths in sorted(places.items()) if len(paths) > 1]


def check_top_level(tree):
    """The top of the repository stays small."""
    top = {path.split("/", 1)[0] for path in tree}
    return [f"{name}: does not belong at the top level" for name in sorted(top) if name not in TOP_LEVEL and name[0] != "."]


def struct_fields(text):
    """(line, name, number of fields) of each struct. The fields of a struct inside another one count in both: a nested struct hides none."""
    code = code_only(text)
    found = []
    for match in re.finditer(r"\bstruct\s*(\w*)\s*\{", code):
        braces, parentheses, flat = 1, 0, ""
        for char in code[match.end():]:
            braces += {"{": 1, "}": -1}.get(char, 0)
            parentheses += {"(": 1, ")": -1}.get(char, 0)
            if braces == 0:
                break
            flat += {"{": ";", "}": "; inner "}.get(char, char) if parentheses == 0 else " "
        fields = [declared for declared in flat.split(";") if declared.strip() and not re.match(r"\s*(inner\b|(struct|union)\s*\w*\s*$)", declared)]
        found.append((line_of(code, match.start()), match.group(1) or "without a name", sum(1 + declared.count(",") for declared in fields)))
    return found


def check_sizes(tree):
    """In the room whose objects live with each connection and request, a struct has at most 20 fields and a file at most 400 lines."""
    found = []
    for path, room, text in sources(tree):
        if room not in SMALL_ROOMS:
            continue
        if text.count("\n") > MOST_LINES:
            found.append(f"{path}: {text.count(chr(10))} lines; {room}/ has at most {MOST_LINES}")
        found += [f"{path}:{line}: struct {name} has {n} fields; {room}/ has at most {MOST_FIELDS}" for line, name, n in struct_fields(text) if n > MOST_FIELDS]
    return found


def definitions(code):
    """The names that a source file defines for others. Its comments and literals are blanked."""
    functions = re.finditer(r"^(?!static\b|typedef\b|extern\b)[A-Za-z_][\w \t*]*?\b(\w+)\([^;{}]*\)\s*\n\{", code, re.M)
    tables = re.finditer(r"^(?!static\b|typedef\b|extern\b)[a-z_][\w \t*]*?\b(\w+)(?:\[[^\]]*\])*(?:, \w+)* = ", code, re.M)
    return {m.group(1) for m in [*functions, *tables]}


def uses(tree, room):
    """{source file of the room: files of the room that define a name in it}"""
    codes = {path: code_only(text) for path, of, text in sources(tree) if of == room and path.endswith(".c")}
    owners = {name: path for path, code in codes.items() for name in definitions(code)}
    return {path: {owners[name] for name in set(re.findall(r"\b[a-z]\w+", code)) if owners.get(name, path) != path} for path, code in codes.items()}


def circles(arrows):
    """The sets of more than one file in which each leads to each other."""
    reached = {}
    for start in arrows:
        seen, todo = set(), [start]
        while todo:
            new = arrows[todo.pop()] - seen
            seen |= new
            todo += new
        reached[start] = seen
    found = {frozenset(b for b in reached[a] if a in reached[b]) for a in arrows if a in reached[a]}
    return sorted((sorted(c) for c in found), key=lambda c: c[0])


def check_circles(tree):
    """Files use one another in a circle only where that is how the thing is."""
    found = []
    for room, allowed in CIRCLES.items():
        for circle in circles(uses(tree, room)):
            words = {re.split(r"[_.]", path.rsplit("/", 1)[1])[0] for path in circle}
            if not any(words <= few for few in allowed):
                found.append(f"{circle[0]}: a circle of files that use one another: {', '.join(path.rsplit('/', 1)[1] for path in circle)}")
    return found


def numbers(tree):
    """Not a rule: how large each room is, with its longest file, its largest struct, and the sizes of its circles."""
    yield f"{'room':8} files  lines  longest file               largest struct             circles"
    for room in ROOMS:
        texts = {path: text for path, of, text in sources(tree) if of == room}
        longest = max(((text.count("\n"), path.rsplit("/", 1)[1]) for path, text in texts.items()), default=(0, ""))
        largest = max(((n, name) for text in texts.values() for _, name, n in struct_fields(text)), default=(0, ""))
        yield (f"{room:8} {len(texts):5} {sum(text.count(chr(10)) for text in texts.values()):6}  {longest[0]:4} {longest[1]:22}"
               f"{largest[0]:3} {largest[1]:23}{', '.join(str(len(circle)) for circle in circles(uses(tree, room))) or 'none'}")


def length_report(tree, limit=REPORT_LINES):
    """Not a rule: the files over the limit, longest first."""
    long = [(text.count("\n"), path) for path, text in tree.items() if re.search(r"\.(c|h|py)$", path)]
    return [f"{path}: {n} lines" for n, path in sorted(long, reverse=True) if n > limit]


RULES = [check_ranks, check_libraries, check_banned, check_licence, check_twins, check_basenames, check_sizes, check_circles, check_top_level]


def read_tree(folder):
    """Every file that git tracks or would track."""
    names = subprocess.run(["git", "-C", str(folder), "ls-files", "-co", "--exclude-standard", "-z"], check=True,
                           capture_output=True, text=True).stdout.split("\0") if (folder / ".git").exists() else \
        [str(p.relative_to(folder)) for p in folder.rglob("*") if "build" not in p.relative_to(folder).parts[:1]]
    return {n: (folder / n).read_text(errors="replace") for n in names if n and (folder / n).is_file()}


def main():
    folders = [word for word in sys.argv[1:] if word != "--numbers"]
    tree = read_tree(pathlib.Path(folders[0] if folders else pathlib.Path(__file__).parents[2]))
    if "--numbers" in sys.argv:
        print("\n".join(numbers(tree)))
        return 0
    complaints = [c for rule in RULES for c in rule(tree)]
    for line in complaints:
        print(line)
    for line in length_report(tree):
        print("long:", line)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
