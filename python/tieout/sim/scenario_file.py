"""
A scenario file's text, with the line of every key.

Decimals and times stay text, digit for digit; a key given twice is an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from tieout.errors import ScenarioError

Trail = tuple[str | int, ...]
"""Where a value sits: keys and list indices from the top."""

_INT: Final = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_BOOL: Final = re.compile(r"^(?:true|false)$")
_NULL: Final = re.compile(r"^(?:null|~|)$")


class _Loader(yaml.SafeLoader):
    """Whole numbers, true, false and null are what they are; everything else stays text."""


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _BOOL, list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NULL, ["n", "~", ""])


class Source:
    """A loaded file: its data, and `line_of` for messages."""

    def __init__(self, path: Path, data: Any, lines: dict[Trail, int]) -> None:
        self.path = path
        self.data = data
        self._lines = lines

    def line_of(self, trail: Trail) -> int:
        """The line of the value, or of the nearest thing above it."""
        while trail not in self._lines and trail:
            trail = trail[:-1]
        return self._lines.get(trail, 1)

    def error(self, trail: Trail, problem: str) -> ScenarioError:
        """The error to raise about what stands at `trail`."""
        return _error(self.path, self.line_of(trail), f"{_spell(trail)}: {problem}")


def load(path: Path) -> Source:
    """
    Read a scenario file.

    Raises:
        ScenarioError: not there, not text, not YAML, empty, no mapping, or a key given twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ScenarioError(f"{path}: there is no such scenario", hint="name an existing YAML file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: cannot be read: {error}", hint="name a readable YAML file") from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise _error(path, 1, "found no keys, expected a mapping such as `accounts: [DU1234567]`")
        lines: dict[Trail, int] = {}
        _walk(node, (), lines, path)
        return Source(path, loader.construct_document(node), lines)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise _error(path, line, f"not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise _error(path, 1, f"not YAML: {error}") from error
    finally:
        loader.dispose()


def _walk(node: yaml.Node, trail: Trail, lines: dict[Trail, int], path: Path) -> None:
    lines.setdefault(trail, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*trail, index), lines, path)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*trail, str(key.value))
            if inner in lines:
                line = key.start_mark.line + 1
                raise _error(path, line, f"{_spell(inner)}: given twice, first in line {lines[inner]}")
            lines[inner] = key.start_mark.line + 1
            _walk(value, inner, lines, path)


def _spell(trail: Trail) -> str:
    spelled = ""
    for step in trail:
        spelled += f"[{step}]" if isinstance(step, int) else f".{step}" if spelled else step
    return spelled or "scenario"


def _error(path: Path, line: int, problem: str) -> ScenarioError:
    hint = "correct that line; `python -m pydoc tieout.sim.scenario` lists every key"
    return ScenarioError(f"{path}:{line}: {problem}", hint=hint)
