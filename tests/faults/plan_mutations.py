"""What may happen to a plan's file between staging and confirming, as Hypothesis strategies over its bytes."""

from __future__ import annotations

import copy
import json
import unicodedata
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tieout.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Path = tuple[str | int, ...]

NUMBERS = ("1e400", "-1e400", "9" * 400, "-0", "0.1", "1E+2", "NaN", "Infinity", "0x10", "1_000", "01", "+1")
"""Numbers as text, since JSON text can hold what no Python value does."""
LOOKALIKES = str.maketrans(
    {"0": "\uff10", "1": "\uff11", "a": "\u0430", "e": "\u0435", "o": "\u043e", "S": "\uff33", "-": "\u2212"}
)
"""Full width and Cyrillic letters that a person reads as the plain ones."""
INVISIBLE = ("\u200b", "\ufeff", "\u00ad", "\u202e", "\u0000", "\u0301")
SPACES = (" ", "\n", "\r\n", "\t", "\u00a0", "\u2028", "\v")
DEPTH = 20_000
"""Brackets within brackets: more than any parser's stack takes."""

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def paths_in(value: Any, above: Path = ()) -> Iterator[Path]:
    """Every path in a JSON value, its own one first."""
    yield above
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from paths_in(one, (*above, key))


def mutations(data: bytes) -> st.SearchStrategy[bytes]:
    """That file changed in some way; now and then into itself."""
    content = json.loads(data)
    return st.one_of(_values(content), _numbers(content), _unicode(content), _twice(data), _bytes(data), _spaces(data))


def _values(content: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A value at any path replaced, removed, doubled or moved, or a key added; with its ids recomputed or not."""
    changes = st.one_of(
        values.map(_replace),
        st.sampled_from([_remove, _double, _reverse]),
        st.tuples(st.text(max_size=6), values).map(_add),
    )
    paths = st.sampled_from(list(paths_in(content))[1:])
    return st.builds(
        lambda path, change, again: _written(_changed(content, path, change), again=again),
        paths, changes, st.booleans(),
    )  # fmt: skip


def _numbers(content: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """A number in the place of any value."""
    paths = st.sampled_from(list(paths_in(content))[1:])

    def put(path: Path, number: str) -> bytes:
        marked = _changed(content, path, _replace("the number stands here"))
        return _written(marked, again=False).replace(b'"the number stands here"', number.encode())

    return st.builds(put, paths, st.sampled_from(NUMBERS))


def _unicode(content: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Any text, key or value, in another form that reads the same; or the same text escaped."""
    texts = [path for path in paths_in(content) if path and isinstance(_at(content, path), str)]
    forms: list[Callable[[str], str]] = [
        lambda text: text.translate(LOOKALIKES),
        lambda text: unicodedata.normalize("NFD", text + "é"),
        lambda text: unicodedata.normalize("NFKC", text.translate(LOOKALIKES)),
        str.upper, str.casefold, str.swapcase,
        *(lambda text, mark=mark: text[:1] + mark + text[1:] for mark in INVISIBLE),
    ]  # fmt: skip

    def put(path: Path, form: Callable[[str], str], escaped: bool) -> bytes:
        changed = _changed(content, path, lambda parent, key: parent.__setitem__(key, form(parent[key])))
        text = json.dumps(changed, indent=2, ensure_ascii=escaped) + "\n"
        if escaped:
            text = text.replace('"plan_id"', '"\\u0070lan_id"')
        return text.encode()

    return st.builds(put, st.sampled_from(texts), st.sampled_from(forms), st.booleans())


def _twice(data: bytes) -> st.SearchStrategy[bytes]:
    """A key that stands there twice, the false one first or last; the whole file twice; brackets without end."""
    lines = data.decode().splitlines(keepends=True)
    keyed = [number for number, line in enumerate(lines) if '": ' in line and line.rstrip().endswith(",")]

    def put(number: int, value: str) -> bytes:
        key = lines[number].partition(": ")[0]
        return "".join([*lines[:number], f"{key}: {value},\n", *lines[number:]]).encode()

    deep = b"[" * DEPTH + b"]" * DEPTH
    whole = st.sampled_from([data + data, b"[" + data + b"]", deep, data.rstrip()[:-1] + b', "x": ' + deep + b"}"])
    return st.builds(put, st.sampled_from(keyed), st.sampled_from(["null", "true", "[]", '"x"', "1"])) | whole


def _bytes(data: bytes) -> st.SearchStrategy[bytes]:
    """One byte changed, some put in, a piece cut out or off, or nothing like the file at all."""
    where = st.integers(0, len(data) - 1)
    some = st.binary(min_size=1, max_size=8)
    return st.one_of(
        st.builds(lambda at, bits: data[:at] + bytes([data[at] ^ bits]) + data[at + 1 :], where, st.integers(1, 255)),
        st.builds(lambda at, more: data[:at] + more + data[at:], where, some),
        st.builds(lambda at, count: data[:at] + data[at + count :], where, st.integers(1, 400)),
        st.builds(lambda at: data[:at], where),
        st.sampled_from([b"", b"\xef\xbb\xbf" + data, data + b"\0", data.decode().encode("utf-16"), data[::-1]]),
        st.binary(max_size=64),
    )


def _spaces(data: bytes) -> st.SearchStrategy[bytes]:
    """White space put in or taken out, and the same content written another way."""
    text = data.decode()
    gaps = [at for at, letter in enumerate(text) if letter in " \n{}[],:"]
    content = json.loads(data)
    other = [
        json.dumps(content), json.dumps(content, indent=4), json.dumps(content, sort_keys=True, indent=2),
        text.replace("\n", "\r\n"), text.rstrip("\n"), text + " ",
    ]  # fmt: skip
    return st.one_of(
        st.builds(
            lambda at, space: (text[:at] + space + text[at:]).encode(), st.sampled_from(gaps), st.sampled_from(SPACES)
        ),
        st.sampled_from(other).map(str.encode),
    )  # fmt: skip


def _written(content: Any, *, again: bool) -> bytes:
    """As the file is written; `again`: every hash in it that can be recomputed is, as a forger would."""
    if again and isinstance(content, dict):
        try:
            content["config_sha256"] = digest(content.get("config"))
            content["plan_id"] = digest({key: content.get(key) for key in ("plan", "config", "db")})
        except (TypeError, ValueError, RecursionError):
            return json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")


def _changed(content: dict[str, Any], path: Path, change: Callable[[Any, Any], None]) -> dict[str, Any]:
    copied = copy.deepcopy(content)
    change(_at(copied, path[:-1]), path[-1])
    return copied


def _at(value: Any, path: Path) -> Any:
    for key in path:
        value = value[key]
    return value


def _replace(value: Any) -> Callable[[Any, Any], None]:
    return lambda parent, key: parent.__setitem__(key, value)


def _remove(parent: Any, key: Any) -> None:
    del parent[key]


def _double(parent: Any, key: Any) -> None:
    """The same entry again beside itself."""
    if isinstance(parent, list):
        parent.insert(key, parent[key])
    else:
        parent[f"{key}2"] = parent[key]


def _reverse(parent: Any, key: Any) -> None:
    """A list's entries, or an object's keys, from the last to the first."""
    if isinstance(parent[key], list):
        parent[key] = parent[key][::-1]
    elif isinstance(parent[key], dict):
        parent[key] = dict(reversed(parent[key].items()))


def _add(entry: tuple[str, Any]) -> Callable[[Any, Any], None]:
    name, value = entry

    def add(parent: Any, key: Any) -> None:
        target = parent[key]
        if isinstance(target, dict):
            target[name] = value
        elif isinstance(target, list):
            target.append(value)
        else:
            parent[key] = [target, value]

    return add
