"""
YAML text -> plain values, with the line of every key and value.

YAML 1.1 reads `yes` as true, `010` as 8 and `1:30` as 90, and keeps the last of two equal keys. None of that
may ever decide a safety flag, so only PyYAML's parser is used and the scalars are read here:

    true false True False     bool
    null ~ (nothing)          None
    12 -3                     int
    0.05 2e-3                 Decimal, the digits as written
    anything else, or quoted  str
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import yaml

DEPTH_MAX: Final = 8
"""Settings are two or three levels deep; what is deeper is a mistake or an attack."""

Path = tuple[str | int, ...]
Value = bool | int | Decimal | str | None | list["Value"] | dict[str, "Value"]

_BOOLS: Final = {"true": True, "True": True, "false": False, "False": False}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_DECIMAL: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and on which line (from 1; None where the file as a whole is meant)."""

    line: int | None
    text: str


@dataclass(slots=True)
class Source:
    """A read settings file: its values, the line of every path, and what was wrong with its form."""

    values: dict[str, Value] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_yaml(text: str) -> Source:
    """
    The values of a settings file.

    Never raises for bad input: whatever is wrong stands in `problems`, and then `values` must not be used
    for anything but finding more problems.
    """
    source = Source()
    node = _compose(text, source)
    if source.problems:
        return source
    if node is None or (isinstance(node, yaml.ScalarNode) and node.value in _NULLS):
        source.problems.append(Problem(None, "the file is empty; expected the settings"))
    elif not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1
        source.problems.append(Problem(line, "found no `KEY: value` pairs; expected the settings"))
    else:
        source.values = _mapping(node, (), source)
    return source


def decimal_of(text: str) -> Decimal | None:
    """The exact decimal that a text spells, or None."""
    return Decimal(text) if _DECIMAL.fullmatch(text) else None


def _compose(text: str, source: Source) -> yaml.Node | None:
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if problem := _refused(event):
                source.problems.append(problem)
                return None
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "it cannot be read"
        source.problems.append(Problem(mark.line + 1 if mark else None, f"not YAML: {what}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        source.problems.append(Problem(line, f"not YAML: the character #x{ord(text[error.position]):04x}"))
    except RecursionError:
        source.problems.append(Problem(None, f"nested too deep; expected at most {DEPTH_MAX} levels"))
    return None


def _refused(event: yaml.Event) -> Problem | None:
    """Aliases and explicit tags: the value on the line would not be the value that is read."""
    mark = event.start_mark
    line = mark.line + 1 if mark else None
    if isinstance(event, yaml.AliasEvent):
        return Problem(line, f"*{event.anchor} is an alias; expected the value itself")
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        return Problem(line, f"the tag {event.tag} is not used here; expected the value alone")
    return None


def _mapping(node: yaml.MappingNode, path: Path, source: Source) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            source.problems.append(Problem(line, "a key is a list or a block; expected a name"))
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in values:
            first = source.lines[here]
            source.problems.append(
                Problem(line, f"{dotted(here)} is given twice, first on line {first}; expected once")
            )
            continue
        source.lines[here] = line
        values[key] = _value(value_node, here, source)
    return values


def _value(node: yaml.Node, path: Path, source: Source) -> Value:
    line = node.start_mark.line + 1
    if len(path) > DEPTH_MAX:
        source.problems.append(Problem(line, f"nested too deep; expected at most {DEPTH_MAX} levels"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, yaml.SequenceNode):
        items: list[Value] = []
        for index, item in enumerate(node.value):
            source.lines[(*path, index)] = item.start_mark.line + 1
            items.append(_value(item, (*path, index), source))
        return items
    if not isinstance(node, yaml.ScalarNode):
        raise TypeError(f"a YAML node of unknown kind: {node!r}")
    return _scalar(str(node.value), quoted=node.style is not None)


def _scalar(text: str, *, quoted: bool) -> Value:
    if quoted:
        return text
    if text in _BOOLS:
        return _BOOLS[text]
    if text in _NULLS:
        return None
    if _INT.fullmatch(text):
        return int(text)
    number = decimal_of(text)
    return text if number is None else number


def dotted(path: Path) -> str:
    """A path as people write it: RECONCILE.price_tolerance, SPY_FUTURES.symbols[2]."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
