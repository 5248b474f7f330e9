"""
What a seed says: the lives of a bot, what it does in each, and what the gateway does wrong meanwhile.

Everything follows from the seed, nothing from the clock or from what happened. Left out is what no client can see: a
gateway that answers twice, in full and with its End, without an order that it holds. So an order's own row of an answer
is dropped or held back on one connection at most, and reports are late for less than two readings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from tieout.sim.fault_rules import IN, OUT, Rule
from tieout.sim.faults import Faults

Step = list[Any]

CON_IDS: Final = (5, 6)
MID: Final = 6000
LIVES_MAX: Final = 2
STEPS_MAX: Final = 9
LISTED: Final = frozenset({"open_order", "completed_order", "position"})
"""The rows of an answer from whose absence something is concluded."""
ENDS: Final = ("open_orders", "completed_orders", "executions", "positions")
SAID_OF_ORDERS: Final = (10349, 399, 202, 404, 2109)
"""Errors that an order outlives, whatever they sound like."""


@dataclass(frozen=True)
class Life:
    """One life of the bot under these faults; `kill` is where SIGKILL strikes, by `fuzz_child.arm`."""

    faults: Faults
    steps: list[Step]
    kill: tuple[str, int] | None


@dataclass
class Story:
    """All that a seed says."""

    seed: int
    lives: list[Life]
    named: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The orders by intent id, to be asked for again."""


def story_of(seed: int) -> Story:
    """The seed's story."""
    chance = Random(f"fuzz {seed}")
    story = Story(seed, [])
    for number in range(chance.randint(1, LIVES_MAX)):
        faults = _faults(chance, seed=seed, life=number)
        steps = [_step(chance, story, f"{number}.{at}") for at in range(chance.randint(4, STEPS_MAX))]
        kill = chance.choice([None, None, None, ("gate", chance.randint(1, 8)), ("any", chance.randint(1, 250))])
        if faults.late_reports:
            # A command that has just begun cannot know of a restart: an operator does not confirm right after one.
            steps = [step for step in steps if step[0] != "operator"]
        story.lives.append(Life(faults, steps, kill))
    return story


def _step(chance: Random, story: Story, name: str) -> Step:
    known = sorted(story.named)
    kinds = ["submit"] * 6 + ["bracket"] * 2 + ["price"] * 4 + ["partial"] * 2
    kinds += ["look", "wait", "manual", "stranger", "gateway_cancels", "restart", "link"] + ["operator"] * 3
    kinds += ["again", "modify", "modify", "cancel", "cancel", "die"] if known else []
    kind = chance.choice(kinds) if known else "submit"
    if kind == "submit":
        story.named[name] = _order(chance)
        return [kind, name, story.named[name]]
    if kind == "bracket":
        return [kind, name, *_bracket(chance)]
    if kind == "again":
        chosen = chance.choice(known)
        return ["submit", chosen, story.named[chosen]]
    if kind == "modify":
        chosen = chance.choice(known)
        changed = story.named[chosen] | {"quantity": chance.randint(1, 6)}
        if "limit_price" in changed:
            changed["limit_price"] = MID + chance.randint(-9, 9)
        return [kind, chosen, changed, f"{name} changes {chosen}"]
    if kind == "cancel":
        return [kind, chance.choice(known)]
    if kind == "price":
        return [kind, chance.choice(CON_IDS), MID + chance.randint(-9, 9)]
    if kind == "link":
        return [kind, chance.choice([1101, 1102])]
    return [kind, chance.randrange(1_000)]


def _order(chance: Random) -> dict[str, Any]:
    side, kind = chance.choice(["BUY", "SELL"]), chance.choice(["LMT", "LMT", "LMT", "MKT", "STP"])
    made = {"con_id": chance.choice(CON_IDS), "side": side, "quantity": chance.randint(2, 6), "order_type": kind}
    away = chance.randint(-2, 8)
    if kind == "LMT":
        made["limit_price"] = MID - away if side == "BUY" else MID + away
    elif kind == "STP":
        made["stop_price"] = MID + away if side == "BUY" else MID - away
    return made


def _bracket(chance: Random) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    entry = _order(chance) | {"order_type": "LMT", "side": "BUY"}
    entry["limit_price"] = MID - chance.randint(-3, 5)
    entry.pop("stop_price", None)
    leaving = {"con_id": entry["con_id"], "side": "SELL", "quantity": entry["quantity"]}
    profit = leaving | {"order_type": "LMT", "limit_price": MID + chance.randint(4, 9)}
    return entry, [profit, leaving | {"order_type": "STP", "stop_price": MID - chance.randint(6, 9)}]


def _faults(chance: Random, *, seed: int, life: int) -> Faults:
    conduct: dict[str, Any] = {}
    for _ in range(chance.choice([0, 0, 1, 1, 2])):
        conduct |= chance.choice(_CONDUCTS)(chance)
    rules: list[Rule] = []
    for _ in range(chance.choice([0, 1, 1, 2, 3])):
        rule = _rule(chance)
        if not (_hides(rule) and any(map(_hides, rules))):
            rules.append(rule)
    return Faults(rules=tuple(rules), seed=seed * 10 + life, **conduct)


_CONDUCTS: Final = (
    lambda chance: {"omit_end": frozenset(chance.sample(ENDS, chance.randint(1, 2)))},
    lambda _: {"close_mid_answer": True},
    lambda _: {"read_only": True},
    lambda chance: {"next_id": chance.randint(1, 99)},
    lambda chance: {"next_id": chance.randint(1, 99), "reuse_ids": True},
    lambda _: {"reuse_ids": True},
    lambda _: {"fork_perm_id": True},
    lambda _: {"bind_manual": True},
    lambda _: {"keep_orders": True},
    lambda _: {"execution_first": True},
    lambda _: {"correct_fills": True},
    lambda _: {"commissions": "late"},
    lambda _: {"commissions": "never"},
    lambda chance: {"late_reports": chance.randint(1, 3)},
)


def _rule(chance: Random) -> Rule:
    do = chance.choice(
        ["drop", "delay", "duplicate", "reorder", "cut_before", "cut_after", "silence", "say", "restart"]
    )
    on = chance.choice([*OUT, *IN, "place_order", "order_status", "open_order", "execution"])
    nth = chance.randint(1, 5)
    if do in {"cut_before", "cut_after"} and chance.random() < 0.5:
        on, nth = chance.choice(["anything_said", "anything_asked"]), chance.randint(2, 60)
    if do == "silence" or on in {"next_valid_id", "managed_accounts"}:
        return Rule(do=do, on=on, nth=nth, session=chance.randint(1, 3), **_more(chance, do, on))  # type: ignore[arg-type]
    if on in LISTED and do in {"drop", "delay", "reorder"}:
        return Rule(do=do, on=on, nth=nth, session=chance.randint(1, 3), **_more(chance, do, on))  # type: ignore[arg-type]
    if chance.random() < 0.3 and do in {"drop", "delay", "duplicate", "reorder", "say"} and on not in IN:
        return Rule(do=do, on=on, percent=chance.randint(5, 40), **_more(chance, do, on))  # type: ignore[arg-type]
    return Rule(do=do, on=on, nth=nth, **_more(chance, do, on))  # type: ignore[arg-type]


def _hides(rule: Rule) -> bool:
    """Whether it keeps a row out of an answer that ends as if it were whole."""
    return rule.on in LISTED and rule.do in {"drop", "delay", "reorder"}


def _more(chance: Random, do: str, on: str) -> dict[str, Any]:
    if do == "delay":
        return {"messages": chance.randint(1, 6)} if chance.random() < 0.5 else {"ms": chance.randint(5, 120)}
    if do != "say":
        return {}
    about = on in {"order_status", "open_order", "place_order"}
    if about and chance.random() < 0.7:
        return {"code": chance.choice(SAID_OF_ORDERS), "text": "Simulated", "about_message": True}
    return {"code": chance.choice([1100, 1101, 1102, 2105, 2110, 99999])}
