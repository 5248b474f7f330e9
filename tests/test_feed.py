"""The feed through real sockets: the real client library at the simulated gateway, both lanes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from feed_support import ES, Keeping, desk_at, fed, subscriptions
from position_support import scenario
from tieout.sim import SimOptions, run_in_thread

if TYPE_CHECKING:
    from pathlib import Path

E8 = 10**8


@pytest.mark.parametrize("fast_lane", [True, False])
def test_ticks_come_with_what_the_gateway_says_of_the_instrument(tmp_path: Path, *, fast_lane: bool) -> None:
    path = tmp_path / "scenario.yml"
    path.write_text(scenario("{bid: 6170, ask: 6170.25, last: 6170.5}"), encoding="utf-8")
    kept = Keeping()
    with run_in_thread(SimOptions(scenario=path)) as sim:
        desk = desk_at(tmp_path / "work", sim.port, subscriptions(ES="quotes"), fast_lane=fast_lane)
        with fed(desk, kept) as feed:
            ticks = kept.wait_for(lambda found: found.height >= 4)
            assert feed.standing.lane == ("fast" if fast_lane else "slow")
    assert ticks.select("instrument", "kind", "field", "price").rows()[:3] == [
        (0, 1, 1, 6170 * E8), (0, 1, 2, 6170 * E8 + E8 // 4), (0, 1, 4, 6170 * E8 + E8 // 2)
    ]  # fmt: skip
    assert ticks["exchange_ns"].drop_nulls().len() == 1
    assert kept.instruments is not None
    contract = kept.instruments[0].contract
    assert (contract.con_id, contract.symbol, contract.sec_type, contract.currency) == (ES, "ES", "FUT", "USD")
