"""`status/ticks.json`: how the feed stands, each second, for `tieout ticks tail` and `tieout status`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

from tieout.clock import NS_PER_S, to_iso
from tieout.ticks.live.asked import names_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tieout.ticks.instruments import Instruments
    from tieout.ticks.live.asked import Asked
    from tieout.ticks.live.drain import Trouble
    from tieout.ticks.live.standing import Standing
    from tieout.ticks.live.tally import Count, Reading
    from tieout.ticks.ring import RingStats

FILE: Final = "ticks.json"
OLD_NS: Final = 10 * NS_PER_S
"""A running feed writes every second or so; what is older was left behind, or its writer hangs."""
_NS_PER_MS: Final = 1_000_000


def ticks_file(status_dir: Path) -> Path:
    """Where the feed says how it stands; what it left behind stays there when it is gone."""
    return status_dir / FILE


def read_ticks(status_dir: Path) -> dict[str, Any] | None:
    """What a feed wrote last; None where none ever ran, or the file cannot be read."""
    try:
        found = json.loads(ticks_file(status_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "connection" in found else None


class Picture:
    """Puts one look at the feed into the words of the file; remembers the last one, for the rates."""

    def __init__(self, started_ns: int, *, client_id: int, simulated: bool) -> None:
        self._started_ns = started_ns
        self._client_id = client_id
        self._simulated = simulated
        self._before: tuple[int, dict[int, int]] = (started_ns, {})

    def draw(
        self,
        now_ns: int,
        *,
        asked: Sequence[Asked],
        instruments: Instruments,
        standing: Standing,
        stats: RingStats,
        capacity: int,
        reading: Reading,
        stale: Mapping[int, int],
        troubles: Mapping[str, Trouble],
        counts: Mapping[str, Mapping[str, int]],
        unknown: int,
        ended: bool,
    ) -> dict[str, Any]:
        """The content of the file; times are UTC in ISO-8601, lags milliseconds, rates ticks a second."""
        before_ns, before = self._before
        seconds = max((now_ns - before_ns) / NS_PER_S, 1e-3)
        self._before = (now_ns, {number: one.ticks for number, one in reading.counts.items()})
        rows: list[dict[str, Any]] = []
        total = 0.0
        for one, name in zip(asked, names_of(asked, instruments), strict=True):
            number = one.instrument.number
            count = reading.counts.get(number)
            rate = 0.0 if count is None or ended else (count.ticks - before.get(number, 0)) / seconds
            total += rate
            rows.append({
                "number": number,
                "name": name,
                "con_id": instruments[number].contract.con_id,
                "asked": one.ticks,
                "state": _state(number, count, standing=standing, stale=stale),
                "ticks": 0 if count is None else count.ticks,
                "rate": round(rate, 1),
                "lag_ms": None if count is None else _ms(count.lag_ns),
                "lost": stats.lost.get(number, 0),
                "last": None if count is None else to_iso(count.last_ns // _NS_PER_MS * _NS_PER_MS),
                "why": standing.refused.get(number) or standing.notes.get(number),
            })  # fmt: skip
        return {
            "at": to_iso(now_ns),
            "pid": os.getpid(),
            "since": to_iso(self._started_ns),
            "ended": ended,
            "simulated": self._simulated,
            "connection": {
                "state": standing.state,
                "since": to_iso(standing.since_ns),
                "why": standing.why,
                "client_id": self._client_id,
                "lane": standing.lane,
                "lane_why": standing.lane_why,
                "reconnects": standing.reconnects,
            },
            "totals": {
                "ticks": stats.consumed,
                "rate": round(total, 1),
                "waiting": stats.waiting,
                "capacity": capacity,
                "dropped": stats.dropped,
                "conflated": stats.conflated,
                "full_seconds": round(stats.full_ns / NS_PER_S, 3),
                "drain_lag_ms": _ms(reading.drain_lag_ns),
                "unknown": unknown,
            },
            "instruments": rows,
            "consumers": {
                name: {
                    "failures": troubles[name].times if name in troubles else 0,
                    "error": troubles[name].what if name in troubles else None,
                    **told,
                }
                for name, told in counts.items()
            },
        }


def _state(number: int, count: Count | None, *, standing: Standing, stale: Mapping[int, int]) -> str:
    if number in standing.refused:
        return "refused"
    if standing.state != "up":
        return standing.state
    if number in stale:
        return "stale"
    return "waiting" if count is None else "ticks"


def _ms(ns: int | None) -> float | None:
    return None if ns is None else round(ns / _NS_PER_MS, 1)
