"""Options that may stand before or after the command's name, brought to the front where Typer reads them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tieout.cli.diff_words import spread

VALUED: Final = frozenset({"--workspace", "--config"})
PLAIN: Final = frozenset({"--json", "--quiet", "--verbose"})
SIM_DEFAULT: Final = "@default"
"""What `--sim` without a scenario reads as."""


def hoist(argv: Sequence[str]) -> list[str]:
    """
    The same command line with the common options first, and `--sim` always with a value.

    `--sim` takes the next word only where that is a scenario file's name (.yml, .yaml): a plan id after it stays
    a plan id. What comes after `--` is left alone.
    """
    front: list[str] = []
    rest: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        name, equals, _ = word.partition("=")
        if word == "--":
            rest += [word, *words]
            break
        if word in PLAIN or (name in VALUED and equals):
            front.append(word)
        elif word in VALUED:
            front += [word, *words[:1]]
            del words[:1]
        elif word == "--sim":
            rest.append(
                f"--sim={words.pop(0)}" if words and words[0].endswith((".yml", ".yaml")) else f"--sim={SIM_DEFAULT}"
            )
        else:
            rest.append(word)
    return front + spread(rest)
