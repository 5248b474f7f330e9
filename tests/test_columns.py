"""Rows column by column: the same bytes as one by one. The numbers are those of tieout.store.columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from plan_support import NOON, make_book
from tieout.canonical import EXACT, canonical_bytes, digest, digest_of_raw, digest_of_set
from tieout.clock import to_iso
from tieout.store import engine, reader
from tieout.store.audit import GENESIS, HASHED, Head, make_links, row_hash
from tieout.store.columns import Columns, image_digests, json_value, row_texts
from tieout.store.prepared import parameters, prepared
from tieout.store.tables import RECONCILED_ORDER, executions, orders

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
INTEGER = st.integers(-(2**63), 2**63 - 1)
NAMES = st.lists(st.sampled_from(["id", "a b", 'quo"ted', "per%cent", "%s", "zeit", "ä"]), min_size=1, unique=True)
KINDS = st.sampled_from([TEXT, INTEGER, st.booleans(), st.none(), st.floats(), TEXT | st.none() | INTEGER])


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book without rows, that nobody writes."""
    return make_book(tmp_path_factory.mktemp("columns") / "b.db")


@st.composite
def rows(draw: st.DrawFn) -> Columns:
    """A few columns, most of one kind, as a database gives them."""
    count, names = draw(st.integers(0, 4)), draw(NAMES)
    values: dict[str, Sequence[Any]] = {
        name: draw(st.lists(draw(KINDS), min_size=count, max_size=count)) for name in names
    }
    return Columns(list(range(7, 7 + count)), values)


def one_by_one(columns: Columns) -> list[dict[str, Any]]:
    """The same rows as dictionaries."""
    return [{name: values[at] for name, values in columns.values.items()} for at in range(len(columns.ids))]


@given(rows())
def test_1_a_rows_text_is_that_of_json(columns: Columns) -> None:
    wanted = [json.dumps(row, sort_keys=True, ensure_ascii=False) for row in one_by_one(columns)]
    assert row_texts(columns) == dict(zip(columns.ids, wanted, strict=True))


@given(rows())
def test_2_a_digest_is_the_canonical_one(columns: Columns) -> None:
    images = [{name: json_value(value) for name, value in row.items()} for row in one_by_one(columns)]
    assert image_digests("order", columns, with_ids=False) == [bytes.fromhex(digest(["order", one])) for one in images]
    named = [bytes.fromhex(digest(["order", row, image])) for row, image in zip(columns.ids, images, strict=True)]
    assert image_digests("order", columns, with_ids=True) == named


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_the_canonical_form_is_the_librarys(value: Any) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [1.5, {1: "a"}, {"a": (1, 2)}, [b"a"], {None: 1}])
def test_what_is_no_json_here_has_no_canonical_form(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_bytes(value)


def test_keys_are_sorted_by_utf_16_units() -> None:
    assert canonical_bytes({"\ufb33": 1, "\U0001f600": 2}) == '{"\U0001f600":2,"\ufb33":1}'.encode()


@given(st.lists(st.binary(max_size=4).map(lambda data: sha256(data).digest()), max_size=5))
def test_a_set_of_digests_has_one_digest_in_either_form(digests: list[bytes]) -> None:
    assert digest_of_raw(digests) == digest_of_set([one.hex() for one in reversed(digests)])


@given(
    st.lists(
        st.fixed_dictionaries(
            {"row": st.integers(-EXACT, EXACT) | st.none(), "before": TEXT, "after": TEXT | st.none()}
        ),
        max_size=4,
    )
)
def test_links_are_the_rows_hashes(book: Path, entries: list[dict[str, Any]]) -> None:
    shared = {"kind": "update", "entity": "order", "plan_id": None, "action_id": "a%s", "reason": 'ä "x"',
              "approver": "ann", "backup_id": "b"}  # fmt: skip
    columns = {name: [entry[name] for entry in entries] for name in ("row", "before", "after")}
    with engine.connect(book) as connection, engine.read(connection):
        links = make_links(connection, Head(0, GENESIS), {**shared, **columns}, count=len(entries), now_ns=NOON)
    previous = GENESIS
    for entry in entries:
        previous = row_hash({**shared, **entry, "at": to_iso(NOON), "previous_hash": previous})
    assert links.head == Head(rows=len(entries), hash=previous)


@pytest.mark.parametrize("bad", [{"row": [True]}, {"row": [2**53]}, {"reason": [5]}, {"plan_id": 5}])
def test_a_column_that_no_audit_row_holds_is_refused(book: Path, bad: dict[str, Any]) -> None:
    columns: dict[str, Any] = {name: None for name in HASHED if name not in {"at", "previous_hash"}}
    with engine.connect(book) as connection, engine.read(connection), pytest.raises(TypeError):
        make_links(connection, Head(0, GENESIS), columns | bad, count=1, now_ns=NOON)


def test_fingerprints_of_rows_as_they_stand_are_those_of_their_images(tmp_path: Path) -> None:
    book = make_book(
        tmp_path / "b.db", *({"perm_id": n, "order_ref": 'ä%s\n"' if n % 2 else None} for n in range(1, 602))
    )
    wanted = {"order": range(1, 700), "execution": ()}
    with engine.connect(book) as connection, engine.read(connection):
        images = reader.images(connection, orders, wanted["order"])
        assert (len(images), list(images[7])) == (601, list(RECONCILED_ORDER))
        assert reader.fingerprint_of_rows(connection, wanted) == reader.rows_fingerprint(images, {})
        content = reader.content_fingerprint(("order", image) for image in images.values())
        assert reader.fingerprint_of_content(connection, wanted) == content
        known = reader.Known({"order": [], "execution": []}, "of other rows")
        assert reader.fingerprint_of_content(connection, wanted, known=known) == content


def test_a_columns_type_refuses_what_it_refused(book: Path) -> None:
    with engine.connect(book) as connection, engine.read(connection):
        statement = prepared(connection, executions.insert(), columns=["account", "quantity", "price", "active"])
        shared = {"account": "DU1", "quantity": "1", "price": "2"}
        assert parameters(statement, {**shared, "active": [True, False]}, count=2) == [
            ("DU1", "1", "2", 1),
            ("DU1", "1", "2", 0),
        ]
        with pytest.raises(ValueError, match="not None, True, or False"):
            parameters(statement, {**shared, "active": [2]}, count=1)
