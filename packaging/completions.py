#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the completions of bash, zsh and fish from what the program itself says: its --help, and that of every command.
usage: completions.py MTLSD FOLDER     makes FOLDER/mtlsd (bash), FOLDER/_mtlsd (zsh) and FOLDER/mtlsd.fish
"""
import pathlib
import re
import subprocess
import sys

FILES = {"FILE", "PEM", "FOLDER", "PATH", "unix:PATH", "ADDR", "DATABASE"}


def help_of(program, *words):
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, timeout=30).stdout


def commands_in(text):
    """(word, help) of each command that this help lists."""
    if not text.splitlines()[0].endswith(" COMMAND [FLAGS]"):
        return []
    return re.findall(r"^  ([a-z0-9-]+) +(\S.*)$", text, re.M)


def flags_in(text):
    """(names, value, help) of each flag that this help lists; value is None for a switch."""
    found = []
    for names, value, said in re.findall(r"^  ((?:-\w, )?--[a-z0-9-]+)(?: (\S+(?: \S+)*?))?(?:  +(\S.*)| *)$", text, re.M):
        found.append((names.split(", "), value or None, said.rstrip(";,")))
    return found


def gather(program, words=()):
    """{words: (help, commands, flags)} of the program and every command below."""
    text = help_of(program, *words)
    commands = commands_in(text)
    found = {words: (commands, [] if commands else [*flags_in(text), (["--help"], None, "describe this command")])}
    for word, _ in commands:
        found.update(gather(program, (*words, word)))
    return found


def plain(text):
    return re.sub(r"[\[\]:'\"\\`$]", "", text)


def bash(table):
    lines = ["# SPDX-License-Identifier: Apache-2.0", "_mtlsd()", "{", "    local cur=${COMP_WORDS[COMP_CWORD]} path='' word i", "    COMPREPLY=()",
             "    for ((i = 1; i < COMP_CWORD; i++)); do", "        word=${COMP_WORDS[i]}", "        case \"$path $word\" in"]
    inner = [" ".join(("", *words)) for words in table if words]
    lines += [f"        {'|'.join(repr(' ' + i.strip()) for i in inner)}) path=\"$path $word\" ;;", "        esac", "    done", "    case \"$path\" in"]
    for words, (commands, flags) in table.items():
        offer = [word for word, _ in commands] or [name for names, _, _ in flags for name in names]
        if not words:
            offer += ["--help", "--version"]
        lines.append(f"    '{' '.join(('', *words)) if words else ''}') COMPREPLY=($(compgen -W '{' '.join(offer)}' -- \"$cur\")) ;;")
    lines += ["    esac", "    [[ $cur == -* || ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- \"$cur\"))", "}", "complete -o filenames -F _mtlsd mtlsd", ""]
    return "\n".join(lines)


def zsh(table):
    lines = ["#compdef mtlsd", "# SPDX-License-Identifier: Apache-2.0"]
    for words, (commands, flags) in table.items():
        lines += ["_".join(("_mtlsd", *words)) + "() {"]
        if commands:
            lines += ["  local -a commands=("] + [f"    '{word}:{plain(said)}'" for word, said in commands] + ["  )"]
            lines += ["  if (( CURRENT == 2 )); then", "    _describe command commands", "  else", "    shift words; (( CURRENT-- ))",
                      f"    {'_'.join(('_mtlsd', *words))}_${{words[1]}} 2>/dev/null || _files", "  fi"]
        else:
            lines += ["  _arguments \\"]
            for names, value, said in flags:
                for name in names:
                    lines.append(f"    '*{name}[{plain(said)}]{':' + plain(value) + (':_files' if value in FILES else ':') if value else ''}' \\")
            lines.append("    '*:file:_files'")
        lines.append("}")
    return "\n".join(lines + ["_mtlsd \"$@\"", ""])


def fish(table):
    lines = ["# SPDX-License-Identifier: Apache-2.0", "complete -c mtlsd -f", "complete -c mtlsd -n __fish_use_subcommand -l version -d 'list the libraries'"]
    for words, (commands, flags) in table.items():
        here = " ".join(f"and __fish_seen_subcommand_from {word}" for word in words).removeprefix("and ").replace(" and ", "; and ") or "__fish_use_subcommand"
        others = " ".join(word for word, _ in commands)
        for word, said in commands:
            when = here if not words else f"{here}; and not __fish_seen_subcommand_from {others}"
            lines.append(f"complete -c mtlsd -n '{when}' -a {word} -d '{plain(said)}'")
        for names, value, said in flags:
            short = "".join(f" -s {name[1:]}" for name in names if not name.startswith("--"))
            takes = "" if value is None else " -r -F" if value in FILES else " -x"
            lines.append(f"complete -c mtlsd -n '{here}'{short} -l {names[-1][2:]}{takes} -d '{plain(said)}'")
    return "\n".join([*lines, ""])


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    table = gather(program)
    for name, write in (("mtlsd", bash), ("_mtlsd", zsh), ("mtlsd.fish", fish)):
        (folder / name).write_text(write(table))


if __name__ == "__main__":
    main()
