"""The staged file as evidence: what it says it rests on, its schema, its id, and when it stops to hold."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from approval_support import ENDED, ROWS, SCENARIO, TWIN_ROW, TWINS, desk_of, serving, staged, workspace
from cli_support import copied
from plan_support import MIDNIGHT, NOON, opened, snapshot
from tieout.clock import NS_PER_S, from_iso, now_ns, to_iso
from tieout.errors import PlanTampered
from tieout.staging import stage as staging
from tieout.staging.planfile import parse, schema, snapshot_sha256

if TYPE_CHECKING:
    from pathlib import Path

    from cli_support import Workplace

HELD = "positions:\n  - {contract: ES, quantity: 4, average_cost: 329334.375}\n"
HOUR_NS = 3600 * NS_PER_S


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return workspace(tmp_path_factory.mktemp("base"), *ROWS, TWIN_ROW)


@pytest.fixture
def place(base: Workplace, tmp_path: Path) -> Workplace:
    return copied(base, tmp_path)


def sha256(value: object) -> str:
    """Of the canonical form, as anybody can compute it: RFC 8785 of plain ASCII without large numbers."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def test_the_shipped_schema_is_a_schema() -> None:
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema())


def test_the_schema_takes_what_is_staged(place: Workplace) -> None:
    validator = Draft202012Validator(schema())
    with staged(place, TWINS + HELD):
        plan = place.plan()
        counts = {name: len(entries) for name, entries in plan["plan"].items()}
        assert counts == {"to_update": 1, "to_delete": 1, "to_insert": 3, "ambiguous_matches": 1,
                          "spy_futures_actions": 1}  # fmt: skip
        assert [error.message for error in validator.iter_errors(plan)] == []
        match = plan["plan"]["ambiguous_matches"][0]["match_id"]
        place.run("resolve", match, "--none", "--by", "ann", "--reason", "new")
        place.run("stage")
        plan = place.plan()
        assert [one["choice"] for one in plan["resolutions"]] == ["none"]
        assert [error.message for error in validator.iter_errors(plan)] == []


def test_an_unknown_major_is_refused(place: Workplace) -> None:
    with staged(place):
        content = place.plan()
    for version in ("2.0", "0.9", "10.0", "1", "one", "", None, 1):
        with pytest.raises(PlanTampered):
            parse(json.dumps(content | {"format_version": version}).encode())


def test_an_unknown_minor_is_read_with_its_new_keys(place: Workplace) -> None:
    with staged(place):
        content = place.plan()
    later = content | {"format_version": "1.7", "weather": {"sky": "blue"}}
    assert parse(json.dumps(later).encode()).actions == parse(json.dumps(content).encode()).actions


def test_nothing_that_is_required_may_be_missing(place: Workplace) -> None:
    with staged(place):
        content = place.plan()
    for missing in schema()["required"]:
        with pytest.raises(PlanTampered):
            parse(json.dumps({name: value for name, value in content.items() if name != missing}).encode())


def test_the_file_says_what_it_rests_on(place: Workplace) -> None:
    with staged(place):
        plan = place.plan()
    assert plan["config_sha256"] == sha256(plan["config"])
    for name in ("to_insert", "to_update", "to_delete"):
        for entry in plan["plan"][name]:
            assert entry["before_sha256"] == (None if entry["before"] is None else sha256(entry["before"]))
    assert set(plan["db"]["held"]["order"]) == {str(ENDED)}
    assert plan["db"]["rows"] == {"orders": [1, 2, ENDED, 4], "executions": []}
    assert len({plan["db"]["schema_sha256"], plan["broker"]["snapshot_sha256"]}) == 2


def test_the_schemas_hash_moves_with_the_tables_that_a_plan_writes_and_no_others(place: Workplace) -> None:
    def staged_hash() -> str:
        with staged(place):
            return str(place.plan()["db"]["schema_sha256"])

    first = staged_hash()
    place.change("CREATE TABLE my_signals (name TEXT)")
    assert staged_hash() == first
    place.change("CREATE INDEX mine ON orders (tif)")
    assert staged_hash() != first


def test_the_brokers_hash_is_of_what_it_said_whatever_the_order_and_the_hour() -> None:
    one, other = opened(perm_id=7), opened(perm_id=8)
    said = snapshot(live=(one, other))
    assert snapshot_sha256(snapshot(live=(other, one))) == snapshot_sha256(said)
    assert snapshot_sha256(replace(said, taken_at_ns=NOON + HOUR_NS)) == snapshot_sha256(said)
    assert snapshot_sha256(snapshot(live=(one,))) != snapshot_sha256(said)
    assert snapshot_sha256(snapshot(completed=(one, other))) != snapshot_sha256(said)
    assert snapshot_sha256(snapshot(live=(one, opened(perm_id=8, tif="GTC")))) != snapshot_sha256(said)


def test_the_same_two_sides_give_the_same_plan_id_at_any_hour(place: Workplace) -> None:
    with serving(place, SCENARIO) as sim:
        plans: list[dict[str, Any]] = []
        for hours in (0, -1, -7):  # not forward: late in the evening that is another day of the broker's
            sim.call(lambda gateway, hours=hours: setattr(gateway, "now_ns", lambda: now_ns() + hours * HOUR_NS))
            desk = desk_of(place, now=lambda hours=hours: now_ns() + hours * HOUR_NS)  # type: ignore[misc]
            staging.stage(desk)
            plans.append(place.plan())
    assert len({plan["plan_id"] for plan in plans}) == 1
    assert len({plan["generated_at"] for plan in plans}) == 3
    assert len({plan["broker"]["snapshot_sha256"] for plan in plans}) == 1


def test_a_plan_expires_after_its_time_to_live() -> None:
    said = snapshot()
    assert staging.expiry_ns(said, NOON, ttl_minutes=60) == NOON + HOUR_NS


def test_a_plan_does_not_outlive_the_brokers_day() -> None:
    said, late = snapshot(), MIDNIGHT + 24 * HOUR_NS - 60 * NS_PER_S
    assert staging.expiry_ns(said, late, ttl_minutes=60) == MIDNIGHT + 24 * HOUR_NS
    assert staging.expiry_ns(said, NOON, ttl_minutes=24 * 60) == MIDNIGHT + 24 * HOUR_NS


def test_the_journal_and_the_file_agree_on_the_expiry(place: Workplace) -> None:
    with staged(place):
        ((expires_ns,),) = place.ask("SELECT expires_ns FROM staged_plans", db=place.state_db)
        plan = place.plan()
    assert to_iso(expires_ns) == plan["expires_at"]
    day = from_iso(plan["broker"]["parts"]["executions"]["covers_from"]) + 24 * HOUR_NS
    assert from_iso(plan["expires_at"]) <= day
