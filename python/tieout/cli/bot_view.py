"""The running bot, in lines for a person."""

from __future__ import annotations

from typing import Any

from tieout.cli.view import age
from tieout.clock import from_iso


def bot_lines(bot: dict[str, Any], now_ns: int) -> list[str]:
    """What `tieout status` says of the bot; one line where none ran yet, or none runs any more."""
    if not bot["running"]:
        if "pid" not in bot:
            return ["bot: not running"]
        error = bot.get("strategy", {}).get("error")
        how = "it was killed" if bot["killed"] else f"it ended {_ago(bot['ended'], now_ns)}"
        return [f"bot: not running ({how})", *([f"strategy: failed in {error}"] if error else [])]
    if "pid" not in bot:
        return ["bot: it starts"]
    lines = [f"bot: process {bot['pid']}, since {bot['since']}", _link(bot["link"], now_ns)]
    reasons = bot["gate"]["reasons"]
    lines.append("gate: open" if not reasons else f"gate: closed: {'; '.join(reasons)}")
    lines.append(_reconcile(bot["reconcile"], now_ns))
    strategy = bot["strategy"]
    if strategy["name"] is not None:
        error = f": {strategy['error']}" if strategy["error"] else ""
        lines.append(f"strategy: {strategy['name']}, {strategy['state']}{error}")
    restart = bot["restart"]
    if restart["next"] is not None:
        around = f"{restart['minutes_before']} min before to {restart['minutes_after']} min after"
        lines.append(f"gateway's restart: next about {restart['next']}, the gate is closed {around}")
    return lines


def _link(link: dict[str, Any], now_ns: int) -> str:
    if link["up"]:
        return f"link: up since {link['since']}, account {link['account']}, proven {_ago(link['proven'], now_ns)}"
    return f"link: down: {link['why']}"


def _reconcile(told: dict[str, Any], now_ns: int) -> str:
    last, following = told["last"], told["next"]
    done = "none yet"
    if last is not None:
        done = f"{_ago(last['at'], now_ns)} ({last['for']}{'' if last['complete'] else ', incomplete'})"
    return f"reconcile: last {done}, next {following or 'now'} ({told['next_for'] or 'under way'})"


def _ago(iso: str | None, now_ns: int) -> str:
    return "never" if iso is None else age(from_iso(iso), now_ns)
