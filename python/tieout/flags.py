"""
The safety flags, and what each combination of them allows. Pure.

    DRY_RUN             plans and stages, changes nothing; the gate answers SIMULATED and sends nothing
    SAFE_MODE, latch    read-only: no order leaves, no plan executes; staging goes on
    DRY_RUN_CONFIRM     the staged plan may be executed, by `tieout confirm` or by the bot
    FORCE_SYNC_DELETE   orphans are deleted, not marked

Where two flags disagree the stricter one wins. `docs/flags.md` is `as_markdown()`; a test holds them equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import product
from types import MappingProxyType
from typing import Final, Literal

Status = Literal[
    "NOT_STARTED",
    "IN_PROGRESS",
    "RECONCILE_DRY_RUN_COMPLETED",
    "AWAITING_DRY_RUN_CONFIRM",
    "COMPLETED",
    "FAILED",
    "SAFE_MODE_ACTIVE",
]
"""The words of status/reconcile_status.json."""

Permission = Literal["confirm", "send"]
Sending = Literal["no", "simulated", "yes"]
DeleteMode = Literal["soft", "hard"]

LATCH: Final = "the safe-mode latch"


@dataclass(frozen=True, slots=True)
class Flags:
    """The five flags of the settings."""

    dry_run: bool
    safe_mode: bool
    dry_run_confirm: bool
    force_sync_delete: bool
    auto_manage_external_orders: bool = False

    def as_config(self) -> dict[str, bool]:
        """The plan's `config` object, with the guide's key names."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Permissions:
    """
    What the flags allow now. `reasons` says, for each thing that is not allowed, which flag forbids it.

    `send` is what the flags say; the gate has further conditions (reconciled, nothing waiting). `stage_state`
    is the status of a finished reconcile that left actions waiting; `clean_state` of one that left none.
    """

    may_stage: bool
    may_confirm: bool
    send: Sending
    delete_mode: DeleteMode
    stage_state: Status
    clean_state: Status
    reasons: Mapping[Permission, str]


@dataclass(frozen=True, slots=True)
class MatchRules:
    """The settings that decide which records are taken for the same order; smaller and stricter is safer."""

    window_seconds: int
    exact_price: bool
    price_tolerance: Decimal
    accept_unique: bool

    @property
    def tolerance_used(self) -> Decimal:
        """The price difference that is let pass: none while exact prices are required."""
        return Decimal(0) if self.exact_price else self.price_tolerance


def allowed(flags: Flags, latched: bool) -> Permissions:
    """What these flags allow, with or without the safe-mode latch."""
    read_only = _read_only(flags, latched)
    confirm_why = _confirm_why(flags, latched)
    reasons: dict[Permission, str] = {}
    if confirm_why:
        reasons["confirm"] = confirm_why
    if read_only or flags.dry_run:
        reasons["send"] = read_only or "DRY_RUN is true: orders are simulated, none is sent"
    return Permissions(
        may_stage=True,
        may_confirm=not confirm_why,
        send="no" if read_only else "simulated" if flags.dry_run else "yes",
        delete_mode="hard" if flags.force_sync_delete else "soft",
        stage_state=finished_status(flags, latched, waiting=True),
        clean_state=finished_status(flags, latched, waiting=False),
        reasons=MappingProxyType(reasons),
    )


def finished_status(flags: Flags, latched: bool, *, waiting: bool) -> Status:
    """The status of a reconcile that went through, by whether it left actions waiting."""
    if flags.dry_run:
        return "RECONCILE_DRY_RUN_COMPLETED"
    if flags.safe_mode or latched:
        return "SAFE_MODE_ACTIVE"
    return "AWAITING_DRY_RUN_CONFIRM" if waiting else "COMPLETED"


def bot_may_confirm(staged: Flags, now: Flags, latched: bool) -> bool:
    """
    Whether the bot by itself executes a plan that was staged under `staged`.

    Only one that was staged while DRY_RUN_CONFIRM was false: setting the flag afterwards is the operator's
    word on that plan. What was staged with the flag already true has had no such word.
    """
    return allowed(now, latched).may_confirm and not staged.dry_run and not staged.dry_run_confirm


def strictest(staged: Flags, now: Flags) -> Flags | str:
    """
    The flags a plan staged under `staged` may run under, or why it may not run.

    SAFE_MODE and DRY_RUN_CONFIRM are those of now. FORCE_SYNC_DELETE and AUTO_MANAGE_EXTERNAL_ORDERS may be
    stricter than at staging, not looser. A plan of a dry run never runs.
    """
    if staged.dry_run:
        return "the plan was staged with DRY_RUN true; expected one staged with DRY_RUN false"
    if now.force_sync_delete and not staged.force_sync_delete:
        return "FORCE_SYNC_DELETE was false when the plan was staged and is true now; expected it no looser"
    if now.auto_manage_external_orders and not staged.auto_manage_external_orders:
        return "AUTO_MANAGE_EXTERNAL_ORDERS was false when the plan was staged and is true now; expected it no looser"
    return now


def loosened(staged: MatchRules, now: MatchRules) -> list[str]:
    """The matching settings that are looser now than when the plan was staged, by their key; best empty."""
    looser = {
        "timestamp_match_window_seconds": now.window_seconds > staged.window_seconds,
        "require_exact_price_match": staged.exact_price and not now.exact_price,
        "price_tolerance": now.tolerance_used > staged.tolerance_used,
        "signature_matches": now.accept_unique and not staged.accept_unique,
    }
    return [f"RECONCILE.{key}" for key, is_looser in looser.items() if is_looser]


def as_markdown() -> str:
    """The table of all combinations, as docs/flags.md holds it."""
    head = ("DRY_RUN", "SAFE_MODE", "DRY_RUN_CONFIRM", "FORCE_SYNC_DELETE", "latch",
            "confirm", "send", "delete", "status with actions waiting", "status without")  # fmt: skip
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for dry, safe, confirm, force, latched in product((False, True), repeat=5):
        flags = Flags(dry_run=dry, safe_mode=safe, dry_run_confirm=confirm, force_sync_delete=force)
        can = allowed(flags, latched)
        inputs = ["true" if value else "false" for value in (dry, safe, confirm, force)]
        cells = [*inputs, "on" if latched else "off", "yes" if can.may_confirm else "no", can.send,
                 can.delete_mode, can.stage_state, can.clean_state]  # fmt: skip
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _read_only(flags: Flags, latched: bool) -> str:
    if flags.safe_mode:
        return "SAFE_MODE is true: read-only"
    if latched:
        return f"{LATCH} is on: read-only until `tieout safe-mode off --reason TEXT`"
    return ""


def _confirm_why(flags: Flags, latched: bool) -> str:
    """The first of the reasons, strongest first, so that the operator clears them in a sensible order."""
    if flags.dry_run:
        return "DRY_RUN is true: a plan is only looked at"
    read_only = _read_only(flags, latched)
    if read_only:
        return read_only
    if not flags.dry_run_confirm:
        return "DRY_RUN_CONFIRM is false: plans are staged, not executed"
    return ""
