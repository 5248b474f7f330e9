"""
Scenarios: what the simulated gateway holds, written as YAML.

Decimals may stand bare or in quotes; they are kept digit for digit (at most 8 places). A time is ISO-8601
with its offset, or relative to the gateway's start: -90s, -5m, -2h, -1d; in seconds and minutes it is never before
today's midnight UTC, so that "a moment ago" is today at any hour. `account` may be left out where there
is one. `example.yml` beside this file uses every block but `ticks`.

    accounts             the login's accounts; at least one
    next_order_id        the lowest id that nextValidId gives; 1
    server_version       the highest server version to agree on, 157 to 178; 178
    commission_per_unit  what a simulated fill costs for each unit; 1
    contracts            NAME: con_id, symbol, sec_type, exchange, currency, expiry, strike, right,
                         multiplier, local_symbol, trading_class, primary_exchange, min_tick,
                         price_magnifier
    prices               NAME: the price at which orders fill; without one, nothing fills
    quotes               NAME: bid, ask, last, last_at, kind (live, frozen, delayed, delayed_frozen, closed,
                         silent; tieout.sim.quotes); without one, market data is refused (354)
    live_orders          contract (a NAME), perm_id, side, quantity, order_type, limit_price, stop_price,
                         tif, account, client_id, order_id, order_ref, status, filled, average_price,
                         parent_id, oca_group; a manual order has neither client_id nor order_id
    completed_orders     the same, with status Filled, Cancelled, ApiCancelled or Inactive, ended_at,
                         and completed_status
    executions           contract, exec_id, perm_id, side, quantity, price, executed_at, account,
                         client_id, order_id, order_ref, cumulative, average_price, commission (none: no
                         report comes), commission_currency, realized_pnl
    positions            contract, quantity (signed), average_cost (price x multiplier), account
    account_values       key, value, currency, account
    fault                the gateway's conduct, any of: silent, close_mid_answer, omit_end: [open_orders,
                         completed_orders, executions, positions], read_only, busy_client_ids: [ID, ...] (326),
                         next_id: N (what nextValidId says), reuse_ids, fork_perm_id (on a change), bind_manual,
                         keep_orders (accept, never send on), execution_first, correct_fills,
                         commissions: late or never, late_reports: N (after a restart)
    faults               a list of faults of single messages, each with
                           do       drop, delay, duplicate, reorder (behind the next), cut_before, cut_after,
                                    silence, say (an error, after the message), restart (after the message)
                           on       what the gateway says: open_order, order_status, execution, commission,
                                    completed_order, position, current_time, contract_details, error,
                                    next_valid_id, managed_accounts, open_orders_end, completed_orders_end,
                                    executions_end, positions_end, contract_details_end; what a client asks:
                                    place_order, cancel_order, ask_open_orders, ask_completed_orders,
                                    ask_executions, ask_positions, ask_current_time, ask_contract_details,
                                    ask_ids; or anything_said, anything_asked
                           nth      only that one of each connection, from 1; without it, each
                           session  only the gateway's connection of that number, from 1
                           client   only that client id
                           percent  how often, of 100; drawn from `seed`, so that a run repeats
                           messages, ms   how long a delay lasts: so many messages the same way, or so long
                           code, text, about   what `say` says; about: message names its order or question
                         1100 cuts the gateway off from IB (fills are told to nobody) until 1101 or 1102
    ticks                markets that stream (docs/sim.md): markets: NAME: rate (events a second), price, spread, reach
                         (ticks), sizes, trades (of 100 events), unreported (of 100 trades), burst: {every_s, for_s,
                         times}; or file, repeat (tieout.sim.ticks.file); kind (live, delayed), subscribed (else 354);
                         seed, speed (1, a factor, or full), starts_at, lines (101), by_tick_lines (10190); faults: a
                         list of do (silence, lose_link, cut), contract, after (events), ms, back (1101, 1102)
    seed                 what the chances of `faults` are drawn from; 0

A manual order is one without client_id and order_id; completed orders never carry either. A correction of an
execution is a further entry whose exec_id differs after its last period. `scenarios/` beside this file holds what
went wrong for others, one story a file.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from tieout.clock import NS_PER_S, from_iso
from tieout.model import uses_limit_price, uses_stop_price
from tieout.sim.fault_keys import faults_of
from tieout.sim.faults import Faults
from tieout.sim.quotes import SimQuote
from tieout.sim.scenario_file import Source, Trail, load
from tieout.sim.scenario_model import (
    CompletedOrderKeys,
    ExecutionKeys,
    LiveOrderKeys,
    ScenarioKeys,
)
from tieout.sim.ticks.market import MarketPlan
from tieout.sim.ticks.plan import plan_of
from tieout.sim.world import AccountValue, Contract, Execution, Order, Position, World, midnight_ns

EXAMPLE: Final = Path(__file__).with_name("example.yml")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_TODAY: Final = frozenset("sm")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario ready to be served."""

    world: World
    faults: Faults
    server_version: int
    ticks: MarketPlan


def load_scenario(path: Path, *, now_ns: int) -> Scenario:
    """
    Read a scenario; relative times count back from `now_ns`.

    Raises:
        ScenarioError: the file cannot be read, or a key, value or reference in it is wrong (all with file,
            line and key).
    """
    source = load(path)
    try:
        keys = ScenarioKeys.model_validate(source.data)
    except ValidationError as error:
        first = error.errors()[0]
        raise source.error(first["loc"], first["msg"].removeprefix("Value error, ")) from error
    builder = _Builder(source, keys, now_ns)
    world = builder.world()
    faults = faults_of(keys.fault, keys.faults, seed=keys.seed)
    return Scenario(world=world, faults=faults, server_version=keys.server_version, ticks=builder.ticks(world))


class _Builder:
    """From checked keys to a world, resolving names, accounts and times."""

    def __init__(self, source: Source, keys: ScenarioKeys, now_ns: int) -> None:
        self.source = source
        self.keys = keys
        self.now_ns = now_ns
        self.contracts = {name: Contract(**given.model_dump()) for name, given in keys.contracts.items()}

    def world(self) -> World:
        """The world, or the first thing that does not fit."""
        self._check_unique()
        world = World(
            accounts=list(self.keys.accounts),
            next_order_id=self.keys.next_order_id,
            commission_per_unit=self.keys.commission_per_unit,
        )
        for contract in self.contracts.values():
            world.add_contract(contract)
        for name, price in self.keys.prices.items():
            world.prices[self._contract(name, ("prices", name)).con_id] = price
        for name, given in self.keys.quotes.items():
            last_ns = None if given.last_at is None else self._moment(given.last_at)
            quote = SimQuote(given.kind, given.bid, given.ask, given.last, last_ns)
            world.quotes[self._contract(name, ("quotes", name)).con_id] = quote
        for order in self._orders():
            world.add_order(order)
        for index, fill in enumerate(self.keys.executions):
            world.executions.append(self._execution(fill, ("executions", index)))
        for index, held in enumerate(self.keys.positions):
            trail: Trail = ("positions", index)
            contract = self._contract(held.contract, (*trail, "contract"))
            account = self._account(held.account, trail)
            world.positions.append(Position(account, contract, held.quantity, held.average_cost))
        for index, line in enumerate(self.keys.account_values):
            account = self._account(line.account, ("account_values", index))
            world.values.append(AccountValue(account, line.key, line.value, line.currency))
        return world

    def ticks(self, world: World) -> MarketPlan:
        """The markets that stream."""
        given = self.keys.ticks
        if given is None:
            return MarketPlan()
        start_ns = None if given.starts_at is None else self._moment(given.starts_at)
        return plan_of(given, self.source, world, contract=self._contract, seed=self.keys.seed, start_ns=start_ns)

    def _orders(self) -> Iterator[Order]:
        for index, live in enumerate(self.keys.live_orders):
            yield self._order(live, ("live_orders", index))
        for index, ended in enumerate(self.keys.completed_orders):
            trail: Trail = ("completed_orders", index)
            order = self._order(ended, trail)
            order.ended_ns = self._moment(ended.ended_at)
            order.completed_status = ended.completed_status
            yield order

    def _order(self, given: LiveOrderKeys | CompletedOrderKeys, trail: Trail) -> Order:
        if given.filled > given.quantity or given.filled < 0:
            raise self.source.error((*trail, "filled"), f"found {given.filled}, expected 0 to the quantity")
        for name, price, used in (
            ("limit_price", given.limit_price, uses_limit_price(given.order_type)),
            ("stop_price", given.stop_price, uses_stop_price(given.order_type)),
        ):
            if price is not None and not used:
                raise self.source.error((*trail, name), f"a {given.order_type} order has no {name}")
        shared = given.model_dump(exclude={"contract", "account", "ended_at", "completed_status"})
        return Order(
            account=self._account(given.account, trail),
            contract=self._contract(given.contract, (*trail, "contract")),
            last_price=given.average_price,
            **shared,
        )

    def _execution(self, given: ExecutionKeys, trail: Trail) -> Execution:
        shared = given.model_dump(exclude={"contract", "account", "executed_at", "cumulative", "average_price"})
        return Execution(
            account=self._account(given.account, trail),
            contract=self._contract(given.contract, (*trail, "contract")),
            executed_ns=self._moment(given.executed_at),
            cumulative=given.quantity if given.cumulative is None else given.cumulative,
            average_price=given.price if given.average_price is None else given.average_price,
            **shared,
        )

    def _contract(self, name: str, trail: Trail) -> Contract:
        if name not in self.contracts:
            known = ", ".join(sorted(self.contracts)) or "none"
            raise self.source.error(trail, f"found {name!r}, expected a name under `contracts` ({known})")
        return self.contracts[name]

    def _account(self, name: str | None, trail: Trail) -> str:
        accounts = self.keys.accounts
        if name is None and len(accounts) == 1:
            return accounts[0]
        if name not in accounts:
            found = "no account" if name is None else repr(name)
            raise self.source.error((*trail, "account"), f"found {found}, expected one of {', '.join(accounts)}")
        return name

    def _moment(self, text: str) -> int:
        if not text.startswith("-"):
            return from_iso(text)
        unit = text[-1]
        moment_ns = self.now_ns - int(text[1:-1]) * _SECONDS[unit] * NS_PER_S
        return max(moment_ns, midnight_ns(self.now_ns)) if unit in _TODAY else moment_ns

    def _check_unique(self) -> None:
        keys = self.keys
        orders: list[tuple[Trail, LiveOrderKeys | CompletedOrderKeys]] = [
            *((("live_orders", i), order) for i, order in enumerate(keys.live_orders)),
            *((("completed_orders", i), order) for i, order in enumerate(keys.completed_orders)),
        ]
        self._unique("perm_id", [(trail, order.perm_id) for trail, order in orders])
        live = [(("live_orders", i), o) for i, o in enumerate(keys.live_orders) if o.order_id]
        self._unique("order_id", [(trail, (o.client_id, o.order_id)) for trail, o in live])
        self._unique("exec_id", [(("executions", i), e.exec_id) for i, e in enumerate(keys.executions)])
        self._unique("con_id", [(("contracts", n), c.con_id) for n, c in keys.contracts.items()])

    def _unique(self, name: str, found: list[tuple[Trail, Hashable]]) -> None:
        first: dict[Hashable, Trail] = {}
        for trail, value in found:
            if value in first:
                line = self.source.line_of((*first[value], name))
                raise self.source.error((*trail, name), f"found {value!r} again, first in line {line}")
            first[value] = trail
