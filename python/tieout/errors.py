"""
Every error that tieout raises on purpose, with the exit code the command line answers.

    TieoutError                      1
    ├── UsageError                   2   the command was called wrongly
    ├── SettingsError                2   config/local_reconcile.yml cannot be used
    ├── ScenarioError                2   a simulated gateway's scenario cannot be used
    ├── BrokerError                  1
    │   ├── GatewayUnreachable       1   nothing answers, or it is not a gateway
    │   ├── ClientMissing            1   neither ib_async nor ib_insync is installed
    │   ├── AccountUnknown           1   the gateway does not hold the account
    │   ├── LiveNotAllowed          13   a live port or account, and ALLOW_LIVE is false
    │   ├── EvidenceIncomplete      16   the broker's answer has holes
    │   ├── StatementUnusable        1   a file is not a Flex statement of this account that can be used
    │   ├── FlexUnavailable          1   the Flex service did not give a statement
    │   └── TicksUnreadable          1   the gateway's bytes are not a TWS stream
    ├── BookError                   15
    │   ├── BookMissing             15
    │   ├── BookLocked              15
    │   ├── BookUnusable            15   not SQLite, corrupt, read-only, of a newer version
    │   └── AdoptError              15   an old book cannot be adopted
    ├── DiskError                   15   a file of the workspace cannot be written
    ├── BackupError                 15   no verified backup, so nothing goes on
    ├── PlanError                    1
    │   ├── PlanMissing              1   there is no staged plan, or not that one
    │   ├── PlanTampered            12   the file is not what was staged
    │   └── PlanStale               10   the book, the broker or the time moved on
    ├── AuditBroken                 12   the audit is not what was written
    ├── Locked                      11   another tieout is at work
    ├── Forbidden                   13   a flag or the latch does not allow it
    ├── Ambiguous                   14   something cannot be decided without the operator
    ├── OutcomeUnknown              17   an order's fate is not proven
    ├── ClockWrong                   1   this computer's clock and the gateway's are far apart
    ├── OrderInvalid                 1   an order cannot be sent as it stands
    ├── IntentConflict               1   an intent id was used for something else
    ├── InputUnusable                1   a file or frame to compare cannot be read, or changed while it was read
    ├── EngineUnusable               1   what a diff is handed to is not installed, not reached, or another version
    ├── SchemaMismatch               2   two sides cannot be compared as asked: a column, a type, a key
    └── Interrupted                130   Ctrl-C

A message says what was found and what was expected; `hint` says what to do.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_CHANGES_WAIT = 3
EXIT_STALE = 10
EXIT_LOCKED = 11
EXIT_TAMPERED = 12
EXIT_FORBIDDEN = 13
EXIT_AMBIGUOUS = 14
EXIT_STORE = 15
EXIT_INCOMPLETE = 16
EXIT_UNKNOWN = 17
EXIT_INTERRUPTED = 130


class TieoutError(Exception):
    """
    The base of all of them.

    Args:
        message: what was found, and what was expected.
        hint: what the operator can do about it.
    """

    exit_code = EXIT_ERROR

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The error's name as `--json` prints it: the class name in snake case."""
        name = type(self).__name__
        return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


class UsageError(TieoutError):
    """The command was called wrongly."""

    exit_code = EXIT_USAGE


class SettingsError(TieoutError):
    """The settings cannot be used; no action follows from them."""

    exit_code = EXIT_USAGE


class ScenarioError(TieoutError):
    """A scenario of the simulated gateway cannot be used."""

    exit_code = EXIT_USAGE


class BrokerError(TieoutError):
    """The broker's side did not do what was asked."""


class GatewayUnreachable(BrokerError):
    """No TWS or IB Gateway answers at the address."""


class ClientMissing(BrokerError):
    """The IB client library that the settings name is not installed."""


class AccountUnknown(BrokerError):
    """The gateway does not hold the account, or holds several and none was named."""


class LiveNotAllowed(BrokerError):
    """The port or the account is one of live trading, and the settings do not allow live."""

    exit_code = EXIT_FORBIDDEN


class EvidenceIncomplete(BrokerError):
    """The broker's answer has holes, so nothing may be concluded from absence."""

    exit_code = EXIT_INCOMPLETE


class StatementUnusable(BrokerError):
    """A file that is not a Flex statement of this account, or not one that can be used; nothing was kept."""


class FlexUnavailable(BrokerError):
    """The Flex Web Service did not give a statement; nothing was kept."""


class TicksUnreadable(BrokerError):
    """The bytes of the connection are not a TWS stream, or some of them are missing; it has to be made anew."""


class BookError(TieoutError):
    """The order book cannot be used as it stands."""

    exit_code = EXIT_STORE


class BookMissing(BookError):
    """There is no book where the settings say it is."""


class BookLocked(BookError):
    """Another process holds the book for longer than we wait."""


class BookUnusable(BookError):
    """Not SQLite, corrupt, read-only, or of a version this tieout does not know."""


class AdoptError(BookError):
    """An old book cannot be adopted."""


class DiskError(TieoutError):
    """A file of the workspace cannot be written; what was there before is still there."""

    exit_code = EXIT_STORE


class BackupError(TieoutError):
    """No verified backup could be made or found."""

    exit_code = EXIT_STORE


class PlanError(TieoutError):
    """The staged plan cannot be used."""


class PlanMissing(PlanError):
    """There is no staged plan, or not the one that was named."""


class PlanTampered(PlanError):
    """The plan's file is not the one that was staged."""

    exit_code = EXIT_TAMPERED


class PlanStale(PlanError):
    """The book, the broker or the clock moved on since the plan was staged."""

    exit_code = EXIT_STALE


class AuditBroken(TieoutError):
    """The audit's chain is broken: a row was edited, removed or moved, or the end was cut off."""

    exit_code = EXIT_TAMPERED


class Locked(TieoutError):
    """Another tieout holds the lock."""

    exit_code = EXIT_LOCKED


class Forbidden(TieoutError):
    """A flag or the latch does not allow it."""

    exit_code = EXIT_FORBIDDEN


class Ambiguous(TieoutError):
    """Something cannot be decided without the operator."""

    exit_code = EXIT_AMBIGUOUS


class OutcomeUnknown(TieoutError):
    """An order's fate at the broker is not proven."""

    exit_code = EXIT_UNKNOWN


class ClockWrong(TieoutError):
    """This computer's clock and the gateway's are further apart than a plan can bear."""


class OrderInvalid(TieoutError):
    """An order that cannot be sent as it stands; nothing was reserved."""


class IntentConflict(TieoutError):
    """An intent id that was used before, for something else; nothing was sent."""


class InputUnusable(TieoutError):
    """A file or frame to compare is missing, cut short, not what its name says, or changed while it was read."""


class EngineUnusable(TieoutError):
    """The engine that a diff is handed to is not installed, not reached, of another version, or it gave up."""


class SchemaMismatch(TieoutError):
    """Two sides cannot be compared as asked: a column is missing, means something else, or is no key."""

    exit_code = EXIT_USAGE


class Interrupted(TieoutError):
    """The operator pressed Ctrl-C."""

    exit_code = EXIT_INTERRUPTED
