"""
File -> `Settings`, or one `SettingsError` that lists everything that is wrong, each with file and line.

The safest reading wins: what is missing, misspelled, given twice or not a real boolean is an error, and no
action follows from it.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tieout.config import source as src
from tieout.config.settings import Settings
from tieout.errors import SettingsError

SIZE_BYTES_MAX: Final = 1_000_000
PROBLEMS_SHOWN_MAX: Final = 20
KEYS_LISTED_MAX: Final = 10
TEXT_SHOWN_MAX: Final = 60
"""A file named by mistake may hold anything; no more of it is repeated than tells a key or value apart."""
_SECRETS: Final = (("ALERTS", "targets"), ("LIVE_DATA", "publish"))
_HINT_EDIT: Final = "correct the file; nothing was done"

_EXPECTED: Final = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "decimal_type": "a number",
    "is_instance_of": "a number",
    "string_type": "text",
    "tuple_type": "a list",
    "model_type": "a block of keys",
    "dict_type": "a block of keys",
    "string_too_short": "text that is not empty",
    "finite_number": "a finite number",
}
"""What a key of that type takes, by pydantic's error type."""


def load_settings(path: Path) -> Settings:
    """
    Read and check the settings file.

    Raises:
        SettingsError: the file is missing or unreadable, is not YAML, or anything in it is not as it must
            be. The message names file, line, key, what was found and what was expected.
    """
    shown = _shown(path)
    source = src.read_yaml(_read(path, shown))
    problems = list(source.problems)
    if source.values:
        problems += _unknown(source.values, Settings, (), source)
        try:
            settings = Settings.model_validate(source.values)
        except ValidationError as error:
            problems += _invalid(error, source)
        else:
            if not problems:
                return settings
    raise SettingsError(_listing(problems, shown), hint=_HINT_EDIT)


def _read(path: Path, shown: str) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(SIZE_BYTES_MAX + 1)
    except FileNotFoundError as error:
        raise SettingsError(
            f"{shown}: there is no such file; expected the settings",
            hint="run `tieout init` in the workspace, or name the workspace with --workspace DIR",
        ) from error
    except OSError as error:
        what = "is a folder; expected a file" if path.is_dir() else f"cannot be read: {error.strerror}"
        raise SettingsError(f"{shown}: {what}", hint="check the path and its permissions") from error
    if len(raw) > SIZE_BYTES_MAX:
        raise SettingsError(f"{shown}: more than {SIZE_BYTES_MAX} bytes; expected the settings", hint=_HINT_EDIT)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            f"{shown}:{line}: byte 0x{raw[error.start]:02x} is not UTF-8; expected UTF-8 text",
            hint="save the file as UTF-8",
        ) from error


def _unknown(
    values: dict[str, src.Value], model: type[BaseModel], path: src.Path, source: src.Source
) -> list[src.Problem]:
    """The keys that the model does not have, each with the nearest one that it has."""
    fields = {info.alias or name: info.annotation for name, info in model.model_fields.items()}
    problems = []
    for key, value in values.items():
        here = (*path, key)
        if key not in fields:
            text = f"{_short(src.dotted(here))} is not a key; {_suggestion(key, list(fields))}"
            problems.append(src.Problem(source.lines[here], text))
        elif isinstance(value, dict) and (inner := _model_of(fields[key])) is not None:
            problems += _unknown(value, inner, here, source)
        elif isinstance(value, list) and (inner := _model_of(fields[key])) is not None:
            for at, item in enumerate(value):
                if isinstance(item, dict):
                    problems += _unknown(item, inner, (*here, at), source)
    return problems


def _model_of(annotation: Any) -> type[BaseModel] | None:
    candidates = [annotation, *get_args(annotation)]
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[0] if models else None


def _suggestion(key: str, known: list[str]) -> str:
    by_fold = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(key.casefold(), list(by_fold), n=1, cutoff=0.6)
    if near:
        return f"did you mean {by_fold[near[0]]}?"
    return f"expected one of {', '.join(known)}" if len(known) <= KEYS_LISTED_MAX else "no key has a name like it"


def _invalid(error: ValidationError, source: src.Source) -> list[src.Problem]:
    return [
        _problem(details, source)
        for details in error.errors(include_url=False)
        if details["type"] != "extra_forbidden"  # told by `_unknown`, with the nearest key
    ]


def _problem(details: ErrorDetails, source: src.Source) -> src.Problem:
    path = tuple(details["loc"])
    line = _line_of(path, source)
    name = src.dotted(path)
    if details["type"] == "missing":
        expected = _EXPECTED["bool_type"] if len(path) == 1 else "a value"
        return src.Problem(line, f"{name} is missing; expected {expected}")
    if details["type"] == "value_error" and not _is_leaf(path, source):
        said = str(details["ctx"]["error"])
        return src.Problem(line, f"{name}: {said}" if name else said)
    found = "a value that is not shown" if path[:2] in _SECRETS else _found(details["input"])
    return src.Problem(line, f"{name} is {found}; expected {_expected(details)}")


def _line_of(path: src.Path, source: src.Source) -> int | None:
    while path:
        if path in source.lines:
            return source.lines[path]
        path = path[:-1]
    return None


def _is_leaf(path: src.Path, source: src.Source) -> bool:
    value: Any = source.values
    for part in path:
        value = value[part]
    return not isinstance(value, dict)


def _found(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{_short(value)}"'
    if isinstance(value, dict):
        return "a block of keys"
    if isinstance(value, list | tuple):
        return "a list"
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= TEXT_SHOWN_MAX else text[: TEXT_SHOWN_MAX - 3] + "..."


def _expected(details: ErrorDetails) -> str:
    kind, ctx = details["type"], details.get("ctx", {})
    if kind in _EXPECTED:
        plain_text = kind == "string_type" and not isinstance(details["input"], list | dict | None)
        return _EXPECTED[kind] + (" (put it in quotes)" if plain_text else "")
    if kind == "literal_error":
        return str(ctx["expected"]).replace("'", "")
    if kind == "value_error":
        return str(ctx["error"])
    bounds = {"greater_than": "gt", "greater_than_equal": "ge", "less_than": "lt", "less_than_equal": "le"}
    words = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
    if kind in bounds:
        return f"{words[bounds[kind]]} {ctx[bounds[kind]]}"
    if kind in {"too_long", "string_too_long"}:
        return f"at most {ctx['max_length']}"
    return details["msg"]


def _listing(problems: list[src.Problem], shown: str) -> str:
    ordered = sorted(problems, key=lambda p: (p.line is None, p.line or 0))
    lines = [f"{shown}:{p.line}: {p.text}" if p.line else f"{shown}: {p.text}" for p in ordered]
    more = len(lines) - PROBLEMS_SHOWN_MAX
    if more > 0:
        lines = [*lines[:PROBLEMS_SHOWN_MAX], f"{shown}: and {more} more"]
    return "\n".join(lines)


def _shown(path: Path) -> str:
    """The path as short as it stays true: relative to where we stand, if it is below."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
