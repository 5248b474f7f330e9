"""What the operator and the strategy are told of the gate, and `status/bot.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tieout.bot.standing import ENDS, RECONCILES
from tieout.clock import to_iso
from tieout.errors import DiskError
from tieout.files import pretty_json, write_atomically
from tieout.staging.status import bot_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tieout.bot.standing import Standing
    from tieout.bot.strategist import Strategist
    from tieout.canonical import Json
    from tieout.gate import OrderGate
    from tieout.staging.desk import Desk


class Shown:
    """Remembers what was told last, and tells what changed. For the main thread."""

    def __init__(
        self,
        desk: Desk,
        gate: OrderGate,
        standing: Standing,
        *,
        say: Callable[[str], None],
        strategist: Strategist | None,
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._standing = standing
        self._say = say
        self._strategist = strategist
        self._written: dict[str, Json] | None = None
        self._reasons: list[str] | None = None
        self._said: list[str] | None = None
        self._error_said: str | None = None

    def show(self, *, ended: bool = False) -> None:
        """Tell what changed since the last call; `ended` is the last one of a bot that ends in order."""
        reasons = [ENDS] if ended else self._gate.standing()
        if self._strategist is not None and self._standing.strategy_state == "running" and reasons != self._reasons:
            self._reasons = reasons
            self._strategist.gate_changed(reasons)
        if not ended:
            self._say_gate(reasons)
        error = self._standing.strategy_error
        if error is not None and error != self._error_said:
            self._error_said = error
            self._say(f"the strategy failed in {error}; no order leaves until the bot is started again")
        self._write(reasons, ended=ended)

    def _say_gate(self, reasons: list[str]) -> None:
        """In a line, unless it only closes for the length of a reconcile."""
        if RECONCILES in reasons or reasons == self._said:
            return
        self._said = reasons
        self._say("the gate is open" if not reasons else f"the gate is closed: {'; '.join(reasons)}")

    def _write(self, reasons: list[str], *, ended: bool) -> None:
        now_ns = self._desk.now()
        content = self._standing.to_json(now_ns, reasons=reasons)
        content |= {"ended": to_iso(now_ns) if ended else None, "simulated": self._desk.simulated is not None}
        if self._same(content):
            return
        try:
            write_atomically(bot_file(self._desk.workspace.status_dir), pretty_json(content), mode=0o644)
        except DiskError as error:
            self._desk.log.error("status_not_written", reason=error.message)
        else:
            self._written = content

    def _same(self, content: dict[str, Json]) -> bool:
        """Whether nothing but the next restart's estimated second moved."""
        return self._written is not None and _still(content) == _still(self._written)


def _still(content: dict[str, Json]) -> dict[str, Json]:
    restart = content["restart"]
    return {**content, "restart": {**restart, "next": None} if isinstance(restart, dict) else restart}
