"""The Flex Web Service on loopback: waited for, throttled, unavailable, refused; and `tieout flex fetch` against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cli_support import Workplace
from flex_support import TOKEN, Service, days_ago, flex_service, statement
from tieout.broker.flex import FlexService
from tieout.config.flex import ENV_TOKEN
from tieout.errors import FlexUnavailable
from workspace_support import make_workspace

if TYPE_CHECKING:
    from pathlib import Path

STATEMENT = statement([], first=days_ago(3), last=days_ago(1))


def ask(service: Service, *, timeout_s: float = 20.0, told: list[str] | None = None) -> bytes:
    said = [] if told is None else told
    client = FlexService(service.base_url, TOKEN, pause_s=0.001, timeout_s=timeout_s, told=said.append)
    return client.fetch("424242")


def refused(service: Service, *, timeout_s: float = 20.0) -> FlexUnavailable:
    with pytest.raises(FlexUnavailable) as caught:
        ask(service, timeout_s=timeout_s)
    assert TOKEN not in caught.value.message + caught.value.hint
    return caught.value


def test_it_asks_sends_and_waits() -> None:
    told: list[str] = []
    with flex_service(Service(get=[1019, 1018, 1003, STATEMENT])) as service:
        assert ask(service, told=told) == STATEMENT
    calls = [call for call, _, _ in service.asked]
    assert calls == ["SendRequest", "GetStatement", "GetStatement", "GetStatement", "GetStatement"]
    assert service.asked[0][1] == {"t": TOKEN, "q": "424242", "v": "3"}
    assert service.asked[1][1] == {"t": TOKEN, "q": "987654321", "v": "3"}
    assert {agent for _, _, agent in service.asked} == {"tieout/1"}
    assert [line.partition(";")[0].rpartition("error ")[2][:4] for line in told[1:]] == ["1019", "1018", "1003"]
    assert TOKEN not in "".join(told)


def test_a_request_that_is_throttled_is_sent_again() -> None:
    with flex_service(Service(send=[1018, 503, b"ok"], get=[STATEMENT])) as service:
        assert ask(service) == STATEMENT
    assert [call for call, _, _ in service.asked] == ["SendRequest"] * 3 + ["GetStatement"]


def test_pauses_double_and_a_throttled_token_waits_longer() -> None:
    told: list[str] = []
    with flex_service(Service(get=[1019, 1019, 1019, STATEMENT])) as service:
        ask(service, told=told)
    assert [line.rpartition(" in ")[2] for line in told[1:]] == ["0.001 s", "0.002 s", "0.004 s"]
    told.clear()
    with flex_service(Service(get=[1018, STATEMENT])) as service:
        ask(service, told=told)
    assert told[1].endswith(" in 0.002 s")


def test_a_statement_that_is_never_ready_ends_the_wait() -> None:
    with flex_service(Service(get=[1019])) as service:
        error = refused(service, timeout_s=0.05)
    assert "gave no statement within 0.05 s" in error.message
    assert "error 1019: Statement generation in progress" in error.message


def test_an_unavailable_statement_is_asked_for_four_times() -> None:
    with flex_service(Service(get=[1003])) as service:
        error = refused(service)
    assert error.message == "the Flex service refused: error 1003: Statement is not available."
    assert "T+1" in error.hint
    assert [call for call, _, _ in service.asked].count("GetStatement") == 4


@pytest.mark.parametrize(
    ("code", "hint"), [(1012, "expired"), (1015, "wrong"), (1013, "IP address"), (1014, "query id")]
)
def test_a_refusal_is_not_tried_again(code: int, hint: str) -> None:
    with flex_service(Service(send=[code])) as service:
        error = refused(service)
    assert f"error {code}" in error.message
    assert hint in error.hint
    assert len(service.asked) == 1


def test_the_token_follows_no_redirect() -> None:
    with flex_service(Service(send=[302])) as service:
        assert "HTTP 302" in refused(service).message
    assert len(service.asked) == 1


def test_nobody_there_is_told_within_the_limit() -> None:
    with flex_service(Service()) as service:
        pass
    error = refused(service, timeout_s=0.05)
    assert "no answer" in error.message


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    make_workspace(tmp_path)
    found = Workplace(tmp_path)
    found.set(FLEX__query_id='"424242"', FLEX__pause_seconds=0.001)
    return found


def test_fetch_keeps_the_statement(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN, TOKEN)
    with flex_service(Service(get=[1019, STATEMENT])) as service:
        place.set(FLEX__base_url=service.base_url)
        first = place.run("--json", "flex", "fetch")
        again = place.run("--json", "flex", "fetch", "--query", "77")
    assert (first.code, first.told["new"], again.told["new"]) == (0, True, False)
    assert service.asked[-2][1]["q"] == "77"
    (listed,) = place.run("--json", "flex", "list").told["statements"]
    assert (listed["statement"], listed["origin"]) == (first.told["statement"], "query 77")
    kept = place.root / "data" / "flex" / f"{listed['statement']}.xml"
    assert kept.read_bytes() == STATEMENT
    everything = [path for path in place.root.rglob("*") if path.is_file()]
    assert [path for path in everything if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in first.out + first.err + again.out + again.err


def test_fetch_without_token_or_query_is_a_settings_error(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ENV_TOKEN, raising=False)
    done = place.run("--json", "flex", "fetch")
    assert (done.code, done.told["error"]["code"]) == (2, "settings_error")
    assert ENV_TOKEN in done.told["error"]["message"]
    place.set(FLEX__query_id=None)
    done = place.run("--json", "flex", "fetch")
    assert (done.code, done.told["error"]["message"]) == (2, "no Flex query is named: FLEX.query_id is null")


def test_a_token_that_has_expired_keeps_nothing(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENV_TOKEN, TOKEN)
    with flex_service(Service(send=[1012])) as service:
        place.set(FLEX__base_url=service.base_url)
        done = place.run("--json", "flex", "fetch")
    assert (done.code, done.told["error"]["code"]) == (1, "flex_unavailable")
    assert not (place.root / "data" / "flex").exists()
