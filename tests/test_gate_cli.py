"""`tieout intents list / settle`, as an operator uses them after an order whose fate is not known."""

from __future__ import annotations

from pathlib import Path

from broker_support import CANCEL, PLACE, ScriptedGateway
from gate_support import BUY, ES, gate_at, workplace
from tieout.sim import SimOptions, run_in_thread
from tieout.store.intents import IntentStore


def test_no_intents(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    done = work.run("intents", "list")
    assert (done.code, done.out) == (0, "no intent is open\n")
    assert work.run("--json", "intents", "list").told == {"intents": []}
    assert not (work.root / "data" / "intents.db").exists()


def test_list_shows_what_is_open_and_with_all_what_has_ended(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    with run_in_thread(SimOptions()) as sim, gate_at(work, sim.port) as place:
        told = place.gate.submit(ES, BUY, intent_id="a", strategy="trend")
        line = f"place a: BUY 1 ES LMT at 100, order 100, order_ref {told.order_ref}"
        assert work.run("intents", "list").out == f"ACKED, Submitted: {line}\n"
        place.gate.cancel("a")
        assert work.run("intents", "list").out == "no intent is open\n"
        assert work.run("intents", "list", "--all").out == f"DONE, Cancelled: {line}\n"
        [row] = work.run("--json", "intents", "list", "--all").told["intents"]
        assert (row["intent_id"], row["state"], row["strategy"], row["realm"]) == ("a", "DONE", "trend", "broker")
        assert row["order"] == {"side": "BUY", "quantity": "1", "order_type": "LMT", "limit_price": "100",
                                "tif": "GTC", "outside_rth": False, "transmit": True}  # fmt: skip


def test_settle_asks_the_broker_and_never_sends(tmp_path: Path) -> None:
    work = workplace(tmp_path / "w")
    work.set(BROKER__timeout_seconds=5)
    with ScriptedGateway({PLACE: [[]]}) as gateway:
        with gate_at(work, gateway.port, timeout_s=0.2) as place:
            assert place.gate.submit(ES, BUY, intent_id="a").state == "UNKNOWN"
        work.set(BROKER__port=gateway.port)
        first = work.run("--json", "intents", "settle")
        assert first.code == 17
        assert ([one["intent_id"] for one in first.told["unknown"]], first.told["complete"]) == (["a"], True)
        assert work.run("intents", "settle").code == 17
        with IntentStore(work.root / "data" / "intents.db") as store:
            [intent] = store.listed(everything=False)
            assert intent.absent_ns is not None
            store.note_absent(intent, intent.absent_ns - 31_000_000_000)
        last = work.run("--json", "intents", "settle")
        assert (last.code, [one["state"] for one in last.told["settled"]]) == (0, ["ABSENT"])
        assert gateway.kinds().count(PLACE) == 1
        assert CANCEL not in gateway.kinds()
