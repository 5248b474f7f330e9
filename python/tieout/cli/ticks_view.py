"""The feed in words and rows, for `tieout ticks tail` and `tieout status`."""

from __future__ import annotations

from typing import Any, Final

from tieout.cli.ticks_words import count
from tieout.cli.view import age
from tieout.clock import from_iso

HEAD: Final = ("instrument", "asked", "state", "ticks/s", "ticks", "lag", "lost", "last", "")
_NONE: Final = "-"


def is_live(told: dict[str, Any] | None, now_ns: int) -> bool:
    """Whether a feed runs that wrote this; one that writes no more was killed, or hangs."""
    from tieout.ticks.live.shown import OLD_NS

    return told is not None and not told["ended"] and now_ns - from_iso(told["at"]) < OLD_NS


def rows_of(told: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row of text for each instrument, under `HEAD`."""
    return [
        (
            one["name"], one["asked"], one["state"], f"{one['rate']:,.1f}", count(one["ticks"]), _ms(one["lag_ms"]),
            count(one["lost"]), _NONE if one["last"] is None else one["last"][11:23], one["why"] or "",
        )
        for one in told["instruments"]
    ]  # fmt: skip


def connection_line(told: dict[str, Any]) -> str:
    """How the data connection stands."""
    link = told["connection"]
    lane = "" if link["lane"] is None else f", {link['lane']} lane"
    why = f" ({link['lane_why']})" if link["lane_why"] else ""
    state = {
        "up": "up", "no_ib": "the gateway has lost IB", "down": "down", "connecting": "connecting", "ended": "ended"
    }[link["state"]]  # fmt: skip
    trouble = f": {link['why']}" if link["why"] and link["state"] != "up" else ""
    times = f", made {link['reconnects']} times anew" if link["reconnects"] else ""
    return f"data connection: {state} since {link['since']}, client id {link['client_id']}{lane}{why}{times}{trouble}"


def totals_line(told: dict[str, Any]) -> str:
    """What came of all instruments, and what was too much."""
    total = told["totals"]
    lost = ", ".join(f"{total[what]:,} {what}" for what in ("dropped", "conflated") if total[what])
    full = f" in {total['full_seconds']:g} s of a full queue" if lost else ""
    return (
        f"ticks: {total['rate']:,.0f}/s, {total['ticks']:,} taken, {total['waiting']:,} of {total['capacity']:,} "
        f"waiting, {_ms(total['drain_lag_ms'])} in the queue, {lost or 'none lost'}{full}"
    )


def consumer_lines(told: dict[str, Any]) -> list[str]:
    """What became of those who take ticks, as far as it is worth a line."""
    lines = []
    for name, one in told["consumers"].items():
        counts = ", ".join(f"{key} {value:,}" for key, value in one.items() if isinstance(value, int) and value)
        if one["failures"]:
            lines.append(f"{name}: failed {one['failures']:,} times, the last time {one['error']}")
        elif counts:
            lines.append(f"{name}: {counts}")
    return lines


def status_lines(told: dict[str, Any] | None, now_ns: int) -> list[str]:
    """For `tieout status`: two lines of a feed that runs, one of one that was cut off, none where all is over."""
    if told is None or told["ended"]:
        return []
    if not is_live(told, now_ns):
        return [f"live data: nothing since {age(from_iso(told['at']), now_ns)}"]
    states = [one["state"] for one in told["instruments"]]
    bad = ", ".join(f"{states.count(state)} {state}" for state in ("refused", "stale") if state in states)
    return [f"live {connection_line(told)}", f"{totals_line(told)}; {len(states)} instruments{bad and f', {bad}'}"]


def _ms(ms: float | None) -> str:
    if ms is None:
        return _NONE
    return f"{ms / 1000:,.2f} s" if ms >= 1000 else f"{ms:.0f} ms"
