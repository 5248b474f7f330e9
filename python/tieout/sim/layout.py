"""
How a message is laid out, field by field, and since which server version a field exists.

A layout is a table; `build` walks it. No message is put together anywhere else, so what a server version
adds or drops can be read in one place per message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VERSION_MIN: Final = 157
VERSION_MAX: Final = 178


@dataclass(frozen=True, slots=True)
class Field:
    """
    One wire field.

    `default` is what the gateway sends when nothing sets it (None: it must be given). The field is there for
    server versions `since` <= v < `until`, and only for orders of `order_type` where that is set.
    """

    name: str
    default: str | None = None
    since: int = 0
    until: int = 1 << 30
    order_type: str = ""

    def present(self, version: int, values: Mapping[str, str]) -> bool:
        """Whether this version's message has the field."""
        if not self.since <= version < self.until:
            return False
        return not self.order_type or values.get("order_type", "").replace(" ", "") == self.order_type


Layout = tuple[Field, ...]


def given(*names: str) -> Layout:
    """Fields that must be given."""
    return tuple(Field(name) for name in names)


def fixed(text: str) -> Layout:
    """Fields with defaults, written `name=default` and separated by blanks; `name=` is empty text."""
    pairs = (item.partition("=") for item in text.split())
    return tuple(Field(name, default) for name, _, default in pairs)


def build(layout: Layout, version: int, values: Mapping[str, str]) -> list[str]:
    """
    The fields of one message at a server version.

    Raises:
        KeyError: a value is missing, or its name is not in the layout.
    """
    unknown = values.keys() - {field.name for field in layout}
    if unknown:
        raise KeyError(f"not in the layout: {sorted(unknown)}")
    return [
        values[field.name] if field.default is None else values.get(field.name, field.default)
        for field in layout
        if field.present(version, values)
    ]
