"""
Every alert there is. The command line, the logs, the metrics and alerts/README.md take it from here.

The first six are the operator guide's, word for word. To add one, put it at the end of `ADDED`, and its
section into the guide (tests/test_alerts.py prints what is missing there).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tieout.config.blocks import Severity


@dataclass(frozen=True, slots=True)
class Alert:
    """A kind of alert: what it is called, how bad it is, and what the operator does about it."""

    name: str
    severity: Severity
    action: str
    since: str
    """The first version that raises it."""


GUIDE: Final = (
    Alert(
        name="ambiguous_matches_found",
        severity="HIGH",
        action="Stop and review `./logs/ambiguous_matches.json`\nDo NOT auto-resolve these matches.",
        since="0.1.0",
    ),
    Alert(
        name="backup_failed",
        severity="CRITICAL",
        action="Do not proceed with reconciliation. Fix backup script.",
        since="0.1.0",
    ),
    Alert(
        name="reconcile_failed",
        severity="HIGH",
        action="System enters SAFE_MODE. Review logs and restore from backup if needed.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_backpressure_drop",
        severity="MEDIUM",
        action="Consider reducing tick subscription rate or increasing queue size.",
        since="0.1.0",
    ),
    Alert(
        name="order_blocked_safe_mode",
        severity="INFO",
        action="Expected when SAFE_MODE is enabled. Disable SAFE_MODE to allow trading.",
        since="0.1.0",
    ),
    Alert(
        name="duplicate_submission_blocked",
        severity="INFO",
        action="Idempotency working correctly. No action needed.",
        since="0.1.0",
    ),
)
"""The operator guide's."""

ADDED: Final = (
    Alert(
        name="evidence_incomplete",
        severity="HIGH",
        action="The gateway's answer has holes, so nothing was concluded from absence. "
        "Check the gateway, then run `tieout stage` again.",
        since="0.1.0",
    ),
    Alert(
        name="backup_copy_failed",
        severity="HIGH",
        action="The backup is whole, its second copy is not. Check `BACKUP_COPY_TO` and its credentials.",
        since="0.1.0",
    ),
    Alert(
        name="safe_mode_latched",
        severity="HIGH",
        action="No order leaves and no plan executes. Find the cause in `./logs/reconcile.log`, "
        "then run `tieout safe-mode off --reason TEXT`.",
        since="0.1.0",
    ),
    Alert(
        name="book_restored",
        severity="HIGH",
        action="The book is an older one. Orders sent since that backup are not in it: "
        "run `tieout stage` and review the plan.",
        since="0.1.0",
    ),
    Alert(
        name="settings_invalid",
        severity="HIGH",
        action="The running bot is in safe mode. `tieout check` says what is wrong: "
        "correct `config/local_reconcile.yml`.",
        since="0.1.0",
    ),
    Alert(
        name="plan_tampered",
        severity="CRITICAL",
        action="`staged_actions.json` is not the file that was staged. Find out who changed it, "
        "then run `tieout stage` again.",
        since="0.1.0",
    ),
    Alert(
        name="audit_chain_broken",
        severity="CRITICAL",
        action="Rows of the audit were edited, removed or cut off. System enters SAFE_MODE. "
        "Run `tieout audit verify`, find out who changed the book, then restore a backup from before. "
        "Where there is none, `tieout audit accept` goes on with the break on record.",
        since="0.1.0",
    ),
    Alert(
        name="order_outcome_unknown",
        severity="CRITICAL",
        action="An order may be live and is not sent again; its instrument stays closed. "
        "Look for its order_ref in TWS. `tieout intents settle` settles it as soon as the gateway proves "
        "what became of it.",
        since="0.1.0",
    ),
    Alert(
        name="clock_off",
        severity="HIGH",
        action="Plans expire by this computer's clock: set it right and keep it so (chrony or another time service). "
        "More than 60 s off, nothing is staged or confirmed.",
        since="0.1.0",
    ),
    Alert(
        name="gateway_lost",
        severity="HIGH",
        action="The running bot lost the gateway and goes on trying; no order leaves. Look at TWS or IB Gateway: "
        "orders at the broker go on working.",
        since="0.1.0",
    ),
    Alert(
        name="strategy_failed",
        severity="HIGH",
        action="The strategy broke: no order leaves until the bot is started again, orders at the broker go on "
        "working. `./logs/reconcile.log` has the traceback; mend the strategy, then start the bot again.",
        since="0.1.0",
    ),
    Alert(
        name="bracket_incomplete",
        severity="CRITICAL",
        action="An entry may be live without its take-profit or stop-loss. Look at both in TWS now; "
        "`tieout intents list --all` shows the legs.",
        since="0.1.0",
    ),
    Alert(
        name="plan_executed",
        severity="INFO",
        action="No action needed. `tieout audit verify --head HASH` with its `audit_head` proves that nothing was cut "
        "off since.",
        since="0.1.0",
    ),
    Alert(
        name="ticks_not_written",
        severity="HIGH",
        action="Ticks are not recorded: the folder is full, not writable or another's. The feed goes on, and ticks "
        "wait in memory as long as there is room for them. Make room or mend the folder: writing goes on by itself; "
        "`lost` says what could not wait.",
        since="0.1.0",
    ),
    Alert(
        name="ticks_not_removed",
        severity="MEDIUM",
        action="Days older than `LIVE_DATA.record_keep_days` could not be removed. Look at the owner and mode of the "
        "recording's folders; it is tried again every day.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_lost",
        severity="HIGH",
        action="The data connection is gone and goes on trying; bars and quotes stand still, orders are not affected. "
        "Look at TWS or IB Gateway, and whether another program has `LIVE_DATA.client_id`.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_refused",
        severity="MEDIUM",
        action="IB sends no ticks of these instruments; the others go on. Correct `LIVE_DATA.subscriptions`, or the "
        "account's market data subscriptions, then start the bot again.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_stale",
        severity="MEDIUM",
        action="Instruments that ticked are silent. Expected when their market closes; otherwise look at them in TWS "
        "before you trust a price of theirs.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_resumed",
        severity="INFO",
        action="Instruments that were silent tick again. No action needed.",
        since="0.1.0",
    ),
    Alert(
        name="live_data_consumer_failed",
        severity="HIGH",
        action="Something that takes ticks broke on them; the others, and orders, go on. `./logs/reconcile.log` has "
        "the traceback.",
        since="0.1.0",
    ),
    Alert(
        name="strategy_behind",
        severity="MEDIUM",
        action="The strategy is slower than the ticks that it asks for, and lost some; its orders are not affected. "
        "Let `on_tick` and `on_quote` do less, or subscribe to less.",
        since="0.1.0",
    ),
    Alert(
        name="ticks_not_published",
        severity="MEDIUM",
        action="Ticks do not reach the NATS server of `LIVE_DATA.publish`. The feed goes on, and ticks wait in memory "
        "as long as there is room for them. Look at the server, and at `reason`: publishing goes on by itself; `lost` "
        "says what could not wait.",
        since="0.1.0",
    ),
)
"""What tieout adds."""

CATALOGUE: Final = MappingProxyType({alert.name: alert for alert in (*GUIDE, *ADDED)})
"""All of them, by name."""


def as_table(alerts: tuple[Alert, ...]) -> str:
    """One row each, as docs/alerts.md holds them."""
    rows = [f"| `{a.name}` | {a.severity} | {' '.join(a.action.split())} | {a.since} |" for a in alerts]
    return "\n".join(["| alert | severity | what to do | since |", "|---|---|---|---|", *rows]) + "\n"


def as_markdown(alerts: tuple[Alert, ...]) -> str:
    """Their sections, as alerts/README.md holds them."""
    return "\n".join(f"### `{a.name}`\nSeverity: {a.severity}\nAction: {a.action}\n" for a in alerts)
