"""`tieout diff L R --key a b --fields c d`: several values behind one option, as help and docs write it (K...)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

COMMAND: Final = "diff"
SIDES: Final = 2
MANY: Final = frozenset({"--key", "--fields", "--ignore", "--tolerance"})
ALONE: Final = frozenset({"--help"})
"""Options without a value."""


def spread(words: Sequence[str]) -> list[str]:
    """
    The same command line with the option before each of its values, where Typer reads them.

    Only once both sides have been named: before that, a second word behind `--key` is a side.
    """
    if not words or words[0] != COMMAND:
        return list(words)
    found = [words[0]]
    rest = list(words[1:])
    sides = 0
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*found, word, *rest]
        found.append(word)
        if not word.startswith("-"):
            sides += 1
        elif word not in ALONE and "=" not in word:
            found += rest[:1]
            del rest[:1]
            while word in MANY and sides == SIDES and rest and not rest[0].startswith("-"):
                found += [word, rest.pop(0)]
    return found
