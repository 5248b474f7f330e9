"""
A program that is loaded once and forks for each life of the bot and each command of the operator.

    python fuzz_child.py CLOCK_FILE

A line of JSON in: {"argv": [...], "script": [...], "kill": [WHERE, N]}; lines of JSON out: {"world": STEP}, to be
answered by a line as soon as it was done, then {"ended": EXIT_CODE, "out", "err", "trace"} (SIGKILL: -9, no more).
A life is `tieout run`, the real program, which takes a step of the script in each of its rounds, and ends after them.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import signal
import sys
import time
import traceback
from contextlib import redirect_stderr, redirect_stdout
from decimal import Decimal
from pathlib import Path
from typing import Any

import tieout.clock


def clock_of(path: Path) -> Any:
    """A clock that all who map this file share: the monotonic clock plus the 8 bytes in it."""
    with path.open("r+b") as file:
        shared = mmap.mmap(file.fileno(), 8)

    def now_ns() -> int:
        now = time.monotonic_ns() + int.from_bytes(shared[:8], "little", signed=True)
        return now // 1_000_000 * 1_000_000

    return now_ns


if __name__ == "__main__":
    tieout.clock.now_ns = clock_of(Path(sys.argv[1]))  # before anything else takes it

import ib_async  # noqa: E402, F401 - the clock comes first; loaded once, for all lives

import tieout.app  # noqa: E402
import tieout.bot.connection  # noqa: E402
import tieout.broker.adapter  # noqa: E402
import tieout.broker.snapshot  # noqa: E402
import tieout.cli.program  # noqa: E402
import tieout.failpoints  # noqa: E402
import tieout.gate.sender  # noqa: E402
import tieout.gate.submitting  # noqa: E402
import tieout.staging.confirm  # noqa: E402
import tieout.staging.resolve  # noqa: E402
import tieout.staging.stage  # noqa: E402
from tieout.bot import live  # noqa: E402
from tieout.broker.port import ContractSpec, OrderSpec  # noqa: E402
from tieout.errors import TieoutError  # noqa: E402

ROUNDS_MAX = 3
"""So many rounds at most before the next step, if the gate stays closed."""
SOON_NS = 60_000_000
"""A reconcile that is due within that is waited for, in rounds."""


def tell(fields: dict[str, Any]) -> None:
    """One line to whoever started us."""
    os.write(1, (json.dumps(fields) + "\n").encode())


class Stepped(live.Live):
    """The real bot with a script instead of a strategy; what came of each step is in `trace`."""

    script: list[list[Any]]
    trace: list[list[Any]]

    def _round(self) -> None:
        if not self.script:
            self._stopping._event.set()
            return
        step = self.script.pop(0)
        self.trace.append([*step[:2], self._do(step)])
        for _ in range(ROUNDS_MAX):
            super()._round()
            if self._schedule.next_ns > self._desk.now() + SOON_NS:
                break
        self.trace[-1].append(self._gate.standing())

    def _do(self, step: list[Any]) -> Any:
        gate = self._gate
        try:
            match step:
                case ["submit", str(intent_id), fields]:
                    told = gate.submit(contract_of(fields), order_of(fields), intent_id=intent_id, strategy="fuzz")
                    return [told.state, told.status, told.duplicate, told.reason]
                case ["bracket", str(intent_id), fields, [profit, loss]]:
                    group = gate.submit_bracket(
                        contract_of(fields), order_of(fields), intent_id=intent_id, take_profit=order_of(profit),
                        stop_loss=order_of(loss),
                    )  # fmt: skip
                    return [[one.state, one.status] for one in group.legs]
                case ["modify", str(intent_id), fields, change_id]:
                    told = gate.modify(intent_id, order_of(fields), change_id=change_id)
                    return [told.state, told.status, told.duplicate, told.reason]
                case ["cancel", str(intent_id)]:
                    told = gate.cancel(intent_id)
                    return [told.state, told.status, told.reason]
                case ["look", *_]:
                    self._schedule.hurry(self._desk.now(), "the script")
                case ["die", *_]:
                    os.kill(os.getpid(), signal.SIGKILL)
                case _:
                    tell({"world": step})
                    assert sys.stdin.readline() == "done\n"
        except TieoutError as error:
            return [type(error).__name__, error.message]
        return None


def contract_of(fields: dict[str, Any]) -> ContractSpec:
    """The instrument of an order in a script."""
    return ContractSpec(con_id=fields["con_id"], exchange="CME")


def order_of(fields: dict[str, Any]) -> OrderSpec:
    """The order in a script."""
    prices = {name: Decimal(fields[name]) for name in ("limit_price", "stop_price") if name in fields}
    return OrderSpec(
        side=fields["side"], quantity=Decimal(fields["quantity"]), order_type=fields["order_type"], tif="GTC", **prices
    )  # fmt: skip


def arm(where: str, number: int) -> None:
    """SIGKILL at the n-th point of the gate, or at the n-th of all (tieout.failpoints)."""
    if where == "any":
        tieout.failpoints._KILL_AT, tieout.failpoints._ARMED = number, True
        return
    left = number

    def reach(_name: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    tieout.gate.sender.reach = tieout.gate.submitting.reach = reach  # type: ignore[attr-defined]


def hasten() -> None:
    """Waits that hold for a real gateway, shortened for one beside us."""
    tieout.bot.live.LISTEN_S = tieout.bot.connection.LISTEN_S = 0.01  # type: ignore[misc]
    tieout.broker.adapter._REOPEN_PAUSE_S = 0.02  # type: ignore[misc]
    tieout.broker.snapshot.COMMISSION_QUIET_S = 0.1  # type: ignore[misc]


def live_once(request: dict[str, Any]) -> None:
    """One life, or one command, in this process, which is its own."""
    Stepped.script, Stepped.trace = request.get("script", []), []
    tieout.app.Live = Stepped  # type: ignore[misc]
    if request.get("kill"):
        arm(*request["kill"])
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = tieout.cli.main(request["argv"])
    tell({"ended": code, "out": out.getvalue(), "err": err.getvalue(), "trace": Stepped.trace})


def serve() -> None:
    """Fork for each request; what every command loads when it runs is loaded before."""
    hasten()
    with redirect_stdout(io.StringIO()):
        tieout.cli.main(["run", "--help"])
    while line := sys.stdin.readline():
        child = os.fork()
        if child == 0:
            try:
                live_once(json.loads(line))
            except BaseException:
                traceback.print_exc()
                raise
            finally:
                os._exit(1)  # no hook of the parent's runs twice; the exit code was told
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            tell({"ended": -os.WTERMSIG(status), "out": "", "err": "", "trace": []})
        tell({"over": True})


if __name__ == "__main__":
    serve()
