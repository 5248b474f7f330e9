"""`tieout.dedup`: copies, corrections, contradictions, orders by fingerprint, and inputs that do not fit together."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Literal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tieout
from cli_process import ENVIRONMENT
from dedup_support import BASE, COUNTS, EXECUTIONS, KEPT, execution
from diff_support import write
from tieout.diffing.dedup.inputs import common
from tieout.errors import InputUnusable, SchemaMismatch, UsageError
from tieout.store.corrections import agrees, base_of, suffix_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENDINGS = ("parquet", "csv", "arrow", "ndjson", "db")


def counts(result: tieout.diffing.dedup.DedupResult) -> dict[str, int]:
    return {name: getattr(result.counts, name) for name in COUNTS}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_gives_the_same(tmp_path: Path, ending: str) -> None:
    table = "::executions" if ending == "db" else ""
    path = write(EXECUTIONS, tmp_path / f"executions.{ending}") if ending != "db" else _book(tmp_path)
    result = tieout.dedup(f"{path}{table}", on="exec_id")
    assert (counts(result), result.mode) == (COUNTS, "executions")
    assert result.kept["exec_id"].to_list() == EXECUTIONS["exec_id"].gather([row - 1 for row in KEPT]).to_list()


def _book(folder: Path) -> Path:
    from diff_support import write_table

    write_table(EXECUTIONS, folder / "book.db", "executions")
    return folder / "book.db"


def test_every_row_is_kept_or_dropped_with_its_reason() -> None:
    result = tieout.dedup(EXECUTIONS, on="exec_id")
    told = result.dropped.select("reason", "row", "of_row", "exec_id").rows()
    assert told == [("superseded", 1, 4, f"{BASE}.01.01"), ("duplicate", 3, 1, f"{BASE}.01.01")]
    assert result.conflicts.select("reason", "row", "of_row", "price").rows() == [("conflict", 5, 2, "450")]
    assert result.differing == {"price": 1}
    assert result.ambiguous.select("reason", "row", "of_row").rows() == [("ambiguous", 7, 6)]
    assert result.kept.equals(EXECUTIONS[[row - 1 for row in KEPT]])
    assert not result.clear


def test_superseded_rows_may_be_kept_and_marked() -> None:
    result = tieout.dedup(EXECUTIONS, on=["account", "exec_id"], revisions="all")
    assert (result.counts.kept, result.counts.dropped, result.counts.superseded) == (8, 1, 1)
    assert result.kept.filter(~pl.col("active"))["exec_id"].to_list() == [f"{BASE}.01.01"]


def test_without_corrections_executions_are_rows_like_any_other() -> None:
    result = tieout.dedup(EXECUTIONS, on="exec_id", corrections="off")
    assert (result.mode, result.counts.dropped, result.counts.ambiguous) == ("key", 1, 0)


def test_missing_columns_are_told_and_only_copies_dropped() -> None:
    result = tieout.dedup(EXECUTIONS.drop("perm_id", "side"), on="exec_id")
    assert (result.mode, result.counts.duplicates, result.counts.superseded) == ("key", 1, 0)
    assert result.notes == ("corrections are not looked for: there is no column for perm_id, side",)


def test_either_con_id_or_symbol_is_the_contract() -> None:
    by_symbol = tieout.dedup(EXECUTIONS.drop("con_id"), on="exec_id")
    by_con_id = tieout.dedup(EXECUTIONS.drop("symbol"), on="exec_id")
    assert [counts(by_symbol), counts(by_con_id)] == [COUNTS, COUNTS]
    neither = tieout.dedup(EXECUTIONS.drop("symbol", "con_id"), on="exec_id")
    assert neither.notes == ("corrections are not looked for: there is no column for symbol or con_id",)


@pytest.mark.parametrize(("con_ids", "superseded", "ambiguous"), [
    ((1, 1), 1, 0), ((1, 2), 0, 1), ((1, None), 0, 1), ((None, 1), 0, 1), ((None, None), 0, 1), ((0, 0), 0, 1),
])  # fmt: skip
def test_a_contract_that_nobody_tells_is_for_the_operator(
    con_ids: tuple[int | None, int | None], superseded: int, ambiguous: int
) -> None:
    rows = [execution(f"{BASE}.01.0{at}", con_id=con_id) for at, con_id in enumerate(con_ids, 1)]
    result = tieout.dedup(pl.DataFrame(rows).drop("symbol").cast({"con_id": pl.Int64}), on="exec_id")
    assert (result.counts.superseded, result.counts.ambiguous) == (superseded, ambiguous)


@pytest.mark.parametrize("name", ["cumQty", "cum_qty", "cum_quantity", "cumulative_qty"])
def test_other_spellings_are_understood(name: str) -> None:
    names = {"account": "account_id", "con_id": "conid", "cumulative_quantity": name}
    assert counts(tieout.dedup(EXECUTIONS.drop("symbol").rename(names), on=["account_id", "exec_id"])) == COUNTS


def test_ibs_own_names_are_understood() -> None:
    names = {"exec_id": "execId", "account": "acctNumber", "perm_id": "permId", "cumulative_quantity": "cumQty"}
    frame = EXECUTIONS.rename(names).with_columns(pl.col("cumQty").cast(pl.Float64))
    assert counts(tieout.dedup(frame, on="execId")) == COUNTS


@pytest.mark.parametrize(("later", "superseded", "ambiguous"), [
    ({}, 1, 0),
    ({"price": "1"}, 1, 0),
    ({"con_id": None}, 1, 0),
    ({"account": "DU2"}, 0, 0),
    ({"perm_id": 99}, 0, 1),
    ({"perm_id": None}, 0, 1),
    ({"side": "SELL"}, 0, 1),
    ({"symbol": "ES"}, 0, 1),
    ({"con_id": 1}, 0, 1),
    ({"cumulative_quantity": "100.00000001"}, 0, 1),
    ({"cumulative_quantity": None}, 0, 1),
    ({"cumulative_quantity": "many"}, 0, 1),
])  # fmt: skip
def test_what_supersedes_and_what_is_left_to_the_operator(
    later: dict[str, object], superseded: int, ambiguous: int
) -> None:
    frame = pl.DataFrame([execution(f"{BASE}.01.01"), execution(f"{BASE}.01.02", **later)], strict=False)
    result = tieout.dedup(frame, on="exec_id")
    assert (result.counts.superseded, result.counts.ambiguous) == (superseded, ambiguous)
    assert result.counts.kept == 2 - superseded


def test_a_revision_of_what_is_in_conflict_decides_nothing() -> None:
    rows = [execution(f"{BASE}.01.01"), execution(f"{BASE}.01.01", price="1"), execution(f"{BASE}.01.02")]
    result = tieout.dedup(pl.DataFrame(rows), on="exec_id")
    assert (result.counts.kept, result.counts.conflict_rows, result.counts.ambiguous) == (3, 1, 2)


def test_a_base_of_too_many_is_no_base() -> None:
    rows = [execution(f"{BASE}.01.{number}") for number in range(1, 200)]
    result = tieout.dedup(pl.DataFrame(rows), on="exec_id")
    assert (result.counts.kept, result.counts.ambiguous) == (199, 198)


def test_several_inputs_are_one_table(tmp_path: Path) -> None:
    first = write(EXECUTIONS.head(3), tmp_path / "a.parquet")
    result = tieout.dedup(first, EXECUTIONS.tail(7).lazy(), on="exec_id")
    assert result.counts.rows == 10
    told = result.dropped.select("reason", "input", "row", "of_input", "of_row").rows()
    assert told == [
        ("superseded", str(first), 1, "input 2 frame", 2),
        ("duplicate", str(first), 3, str(first), 1),
        ("duplicate", "input 2 frame", 1, str(first), 1),
    ]


ORDER = {"account": "DU1", "symbol": "SPY", "side": "BUY", "quantity": "100", "order_type": "LMT", "limit_price": "1.5"}


def test_orders_by_fingerprint() -> None:
    rows = [
        ORDER | {"perm_id": 1, "status": "Submitted"},
        ORDER | {"perm_id": 1, "status": "Filled"},  # the same order, later
        ORDER | {"perm_id": 2, "status": "Filled"},  # looks like it, and is another one
        ORDER | {"perm_id": 3, "status": "Filled", "limit_price": "1.50"},
        ORDER | {"perm_id": 4, "status": "Filled", "quantity": "100.5"},
    ]
    result = tieout.dedup(pl.DataFrame(rows), on="fingerprint")
    assert (result.mode, result.counts.duplicates, result.counts.conflict_rows) == ("orders", 1, 2)
    assert result.kept["perm_id"].to_list() == [1, 2, 3, 4]
    assert result.differing["perm_id"] == 2
    plain = tieout.dedup(pl.DataFrame(rows).drop("perm_id"), on="fingerprint")
    assert (plain.counts.duplicates, plain.clear) == (3, True)


def test_a_column_called_fingerprint_is_a_key_like_any_other() -> None:
    result = tieout.dedup(pl.DataFrame({"fingerprint": ["a", "b", "a"]}), on="fingerprint")
    assert (result.mode, result.counts.duplicates) == ("key", 1)


@pytest.mark.parametrize(("frame", "options", "says"), [
    (EXECUTIONS, {"on": "execid"}, "there is no column execid; did you mean exec_id?"),
    (EXECUTIONS, {"on": "exec_id", "ignore": "prise"}, "there is no column prise; did you mean price?"),
    (EXECUTIONS, {"on": "exec_id", "compare": "prise"}, "there is no column prise to compare"),
    (EXECUTIONS, {"on": ["exec_id", "exec_id"]}, "exec_id is named twice"),
    (EXECUTIONS, {"on": "fingerprint"}, "there is no column fingerprint, and none for order_type, to make it from"),
    (pl.DataFrame({"id": [1, None, None]}), {"on": "id"}, "key column id: row 2 is null, and 1 more rows are"),
    (pl.DataFrame({"id": [1], "x": [[1]]}), {"on": "id"}, "column x of input frame (List(Int64)) cannot be compared"),
])  # fmt: skip
def test_what_cannot_be_done_is_named(frame: pl.DataFrame, options: dict[str, str], says: str) -> None:
    with pytest.raises(SchemaMismatch) as error:
        tieout.dedup(frame, **options)  # type: ignore[arg-type]  # what a caller may get wrong
    assert says in error.value.message


def test_other_schemas_are_named_line_by_line() -> None:
    other = EXECUTIONS.drop("price").with_columns(pl.col("perm_id").cast(pl.String), x=1)
    with pytest.raises(SchemaMismatch) as error:
        tieout.dedup(EXECUTIONS, other, on="exec_id")
    assert error.value.message.splitlines() == [
        "column perm_id is a number (Int64) in input 1 frame and text (String) in input 2 frame",
        "input 1 frame has a column price, and input 2 frame has none",
        "input 2 frame has a column x, and input 1 frame has none",
    ]


def test_ignored_columns_may_be_missing_and_differ() -> None:
    frames = (pl.DataFrame({"id": [1, 2], "seen": [5, 6]}), pl.DataFrame({"id": [2]}))
    result = tieout.dedup(*frames, on="id", ignore="seen")
    assert result.kept.rows() == [(1, 5), (2, 6)]


def test_usage() -> None:
    with pytest.raises(UsageError, match="no input, or no key"):
        tieout.dedup(on="id")
    with pytest.raises(UsageError, match="id: a key, and ignored"):
        tieout.dedup(EXECUTIONS, on="id", ignore="id")


def test_an_order_that_1e_8_cannot_hold_is_named() -> None:
    rows = [ORDER, ORDER | {"quantity": "0.000000001"}]
    with pytest.raises(InputUnusable) as error:
        tieout.dedup(pl.DataFrame(rows), on="fingerprint")
    assert "column quantity, row 2: '0.000000001' is not exactly what an order's quantity may be" in error.value.message


def test_rows_without_a_key_may_be_kept() -> None:
    result = tieout.dedup(pl.DataFrame({"id": [None, 1, None, 1]}), on="id", null_keys="keep")
    assert (result.counts.null_keys, result.kept["id"].to_list()) == (2, [None, 1, None])


def test_no_rows() -> None:
    result = tieout.dedup(EXECUTIONS.clear(), on="exec_id")
    assert (result.rows, result.kept.height, result.dropped.height, result.clear) == (0, 0, 0, True)


@pytest.mark.parametrize(("types", "expected"), [
    ([pl.Int32(), pl.Int64()], pl.Int64()),
    ([pl.Int64(), pl.UInt64()], pl.Decimal(38, 0)),
    ([pl.Datetime("ms", "UTC"), pl.Datetime("ns", "UTC")], pl.Datetime("ns", "UTC")),
    ([pl.Datetime("us", "UTC"), pl.Datetime("us", "Europe/Paris")], pl.Datetime("us", "UTC")),
    ([pl.Null(), pl.Date()], pl.Date()),
    ([pl.Null()], pl.String()),
    ([pl.Categorical(), pl.String()], pl.String()),
    ([pl.Int64(), pl.Float64()], None),
    ([pl.Datetime("us"), pl.Datetime("us", "UTC")], None),
    ([pl.Object()], None),
])  # fmt: skip
def test_the_type_that_several_inputs_have_in_common(
    types: Sequence[pl.DataType], expected: pl.DataType | None
) -> None:
    assert common(types) == expected


def naive(rows: list[dict[str, object]]) -> tuple[set[int], set[int], set[int], set[int]]:
    """Copies, superseded rows, conflicts and ambiguous ones, the slow and obvious way."""
    copies, conflicts = set(), set()
    for at, row in enumerate(rows):
        same = [one for one in rows[:at] if one["exec_id"] == row["exec_id"]]
        if row in same:
            copies.add(at)
        elif same:
            conflicts.add(at)
    superseded, ambiguous = set(), set()
    kept = [at for at in range(len(rows)) if at not in copies]
    groups: dict[tuple[object, str], list[int]] = {}
    for at in kept:
        groups.setdefault((rows[at]["account"], base_of(str(rows[at]["exec_id"]))), []).append(at)
    for group in groups.values():
        ids = [rows[at]["exec_id"] for at in group]
        ascending = sorted(group, key=lambda at: (suffix_of(rows[at]), at))
        if len(set(ids)) < len(ids):
            ambiguous |= {at for at in ascending[:-1] if rows[at]["exec_id"] != rows[ascending[-1]]["exec_id"]}
            continue
        line: list[int] = []
        for at in ascending:
            if all(agrees(rows[at], rows[one]) for one in line):
                line.append(at)
            else:
                ambiguous.add(at)
        superseded |= set(line[:-1])
    return copies, superseded, conflicts, ambiguous


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda base, suffix, perm_id, cumulative, side: execution(
                f"{base}.0{suffix}", perm_id=perm_id, cumulative_quantity_e8=cumulative, side=side
            ),
            st.sampled_from(["a.1", "a.2", "b.1"]),
            st.integers(1, 4),
            st.sampled_from([1, 1, 1, 2]),
            st.sampled_from([100, 100, 200]),
            st.sampled_from(["BUY", "BUY", "BUY", "SELL"]),
        ),
        min_size=1,
        max_size=24,
    ),
    st.integers(1, 3),
)
def test_every_execution_is_told_as_the_rule_says(rows: list[dict[str, object]], inputs: int) -> None:
    frame = pl.DataFrame(rows).drop("cumulative_quantity")
    pieces = [frame[at * len(rows) // inputs : (at + 1) * len(rows) // inputs] for at in range(inputs)]
    result = tieout.dedup(*pieces, on="exec_id", threads=inputs)
    copies, superseded, conflicts, ambiguous = naive(frame.rows(named=True))
    told = {name: set() for name in ("duplicate", "superseded", "conflict", "ambiguous")}
    for row, reason, _ in pl.concat([result.told.dropped, result.told.doubts]).rows():
        told[reason].add(row)
    assert list(told.values()) == [copies, superseded, conflicts, ambiguous]
    assert result.kept.height == len(rows) - len(copies) - len(superseded)


def small(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """As if there were so many bytes of memory."""
    monkeypatch.setattr("tieout.diffing.dedup.sifting.available", lambda _limit: room)


@pytest.mark.parametrize("options", [
    {"on": "exec_id"},
    {"on": ["account", "exec_id"], "revisions": "all"},
    {"on": "exec_id", "corrections": "off"},
    {"on": "perm_id", "ignore": ["exec_id", "price"]},
])  # fmt: skip
def test_part_by_part_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Literal["off"]]
) -> None:
    first = write(EXECUTIONS.head(3), tmp_path / "a.parquet")
    whole = tieout.dedup(first, EXECUTIONS.tail(7), **options)
    small(monkeypatch, 700)
    parts = tieout.dedup(first, EXECUTIONS.tail(7), **options)
    assert next(note for note in parts.notes if note not in whole.notes).startswith("more rows than fit into memory")
    assert parts.counts == whole.counts
    assert (parts.differing, parts.examples) == (whole.differing, whole.examples)
    for name in ("kept", "dropped", "conflicts", "ambiguous"):
        assert getattr(parts, name).equals(getattr(whole, name)), name


def test_orders_and_null_keys_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [ORDER | {"perm_id": n % 3, "quantity": f"{n % 4}.5"} for n in range(40)]
    orders = pl.DataFrame(rows)
    whole = tieout.dedup(orders, on="fingerprint")
    ids = pl.DataFrame({"id": [None, 1, 2, 3, 1, 2, 3, None]})
    small(monkeypatch, 400)
    parts = tieout.dedup(orders, on="fingerprint")
    assert (parts.counts, parts.kept.equals(whole.kept)) == (whole.counts, True)
    assert tieout.dedup(ids, on="id", null_keys="keep").kept["id"].to_list() == [None, 1, 2, 3, None]
    with pytest.raises(SchemaMismatch, match="row 1 is null, and 1 more rows are without a key"):
        tieout.dedup(ids, on="id")
    with pytest.raises(InputUnusable, match="column quantity, row 41: 'x' is not exactly"):
        tieout.dedup(pl.concat([orders, orders[:1].with_columns(quantity=pl.lit("x"))]), on="fingerprint")


def test_an_input_that_changed_since_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(EXECUTIONS, tmp_path / "a.csv")
    small(monkeypatch, 700)
    result = tieout.dedup(path, on="exec_id")
    write(EXECUTIONS.head(4), path)
    with pytest.raises(InputUnusable, match="changed while it was read"):
        _ = result.kept


def test_the_public_name_is_lazy() -> None:
    code = "import sys, tieout; a = 'polars' in sys.modules; tieout.dedup; print(a, 'polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
