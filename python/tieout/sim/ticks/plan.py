"""From a scenario's keys to the markets of a gateway."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from tieout.errors import ScenarioError
from tieout.fixed import to_e8
from tieout.sim.ticks.file import TickFile
from tieout.sim.ticks.market import Market, MarketFault, MarketPlan
from tieout.sim.ticks.walk import BLOCK_MAX, BLOCK_MIN, Burst, Walk, Walker

if TYPE_CHECKING:
    from tieout.sim.scenario_file import Source, Trail
    from tieout.sim.ticks.keys import BurstKeys, MarketKeys, TickKeys
    from tieout.sim.world import Contract, World


def plan_of(
    keys: TickKeys, source: Source, world: World, *, contract: Callable[[str, Trail], Contract], seed: int,
    start_ns: int | None,
) -> MarketPlan:  # fmt: skip
    """
    The markets that the keys ask for.

    Args:
        keys: the checked block.
        source: the scenario, for errors and for where its files are.
        world: what the gateway holds; its prices are where walks start from.
        contract: the instrument of a name, by where the name stands.
        seed: of walks, unless the block has its own.
        start_ns: `starts_at` in UTC nanoseconds.

    Raises:
        ScenarioError: a name, a price or a file that a market needs is not there or does not fit.
    """
    markets: dict[int, Market] = {}
    speed = None if keys.speed == "full" else float(keys.speed)
    chosen = seed if keys.seed is None else keys.seed
    for name, given in keys.markets.items():
        trail: Trail = ("ticks", "markets", name)
        found = contract(name, trail)
        if not given.subscribed:
            markets[found.con_id] = Market(found.con_id, None)
        elif given.file is not None:
            events = TickFile(source.path.parent / Path(given.file), repeat=given.repeat)
            markets[found.con_id] = Market(found.con_id, events, given.kind)
        else:
            price = world.prices.get(found.con_id) if given.price is None else given.price
            if price is None:
                raise source.error(trail, "found no price to walk from, expected `price` here, or one under `prices`")
            try:
                walk = walk_of(given, found, price, seed=chosen)
            except ValueError as error:
                raise source.error(trail, str(error)) from error
            markets[found.con_id] = Market(found.con_id, Walker(walk, block=_block(walk, speed)), given.kind)
    return MarketPlan(
        markets=markets,
        speed=speed,
        start_ns=start_ns,
        lines=keys.lines,
        by_tick_lines=keys.by_tick_lines,
        faults=tuple(_faults(keys, contract, source, markets)),
    )


def walks_of(world: World, *, rate: Decimal, seed: int = 0) -> MarketPlan:
    """
    A walk at this rate for every instrument of the world that has a price.

    Raises:
        ScenarioError: none has.
    """
    from tieout.sim.ticks.keys import MarketKeys

    keys = MarketKeys(rate=rate)
    markets = {}
    for con_id, price in world.prices.items():
        walk = walk_of(keys, world.contracts[con_id], price, seed=seed, shrink=True)
        markets[con_id] = Market(con_id, Walker(walk, block=_block(walk, 1.0)))
    if not markets:
        raise ScenarioError(
            "no instrument has a price to walk from", hint="add `prices` to a scenario and name it with --scenario"
        )
    return MarketPlan(markets=markets)


def walk_of(keys: MarketKeys, contract: Contract, price: Decimal, *, seed: int, shrink: bool = False) -> Walk:
    """
    An instrument's walk; with `shrink`, a price near zero makes its reach smaller.

    Raises:
        ValueError: it could reach a price of zero.
    """
    start, tick = to_e8(price), to_e8(contract.min_tick)
    assert start is not None, "prices have been checked"
    assert tick is not None, "ticks have been checked"
    reach = max(min(keys.reach, (start - 1) // tick), 1) if shrink else keys.reach
    if start - reach * tick <= 0:
        raise ValueError(
            f"walks {reach} ticks of {contract.min_tick} from {price}, expected a `reach` that ends above 0"
        )
    return Walk(
        seed=seed,
        con_id=contract.con_id,
        rate=float(keys.rate),
        price=start,
        min_tick=tick,
        exchange=contract.primary_exchange or contract.exchange,
        spread=keys.spread,
        sizes=keys.sizes,
        trades=keys.trades,
        unreported=keys.unreported,
        reach=reach,
        burst=None if keys.burst is None else _burst(keys.burst),
    )


def _block(walk: Walk, speed: float | None) -> int:
    """About two seconds of the market."""
    return BLOCK_MAX if speed is None else min(max(int(2 * walk.rate * speed), BLOCK_MIN), BLOCK_MAX)


def _burst(keys: BurstKeys) -> Burst:
    return Burst(every_s=float(keys.every_s), for_s=float(keys.for_s), times=float(keys.times))


def _faults(
    keys: TickKeys, contract: Callable[[str, Trail], Contract], source: Source, markets: dict[int, Market]
) -> list[MarketFault]:
    faults = []
    for index, given in enumerate(keys.faults):
        trail: Trail = ("ticks", "faults", index)
        con_id = contract(given.contract, (*trail, "contract")).con_id
        if con_id not in markets:
            raise source.error((*trail, "contract"), f"found {given.contract!r}, expected a name under `ticks.markets`")
        faults.append(MarketFault(given.do, con_id, given.after, given.ms, given.back or 1101))
    return faults
