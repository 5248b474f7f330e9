"""
Targets: Apprise addresses by severity, with their secrets filled in from the environment, and telling one of them.

    json://127.0.0.1:8080/path              as it stands
    tgram://${TELEGRAM_TOKEN}/12345         the variable's value, percent-encoded: a secret may hold any character
    ${SLACK_URL}                            alone: the variable holds the whole address

A variable that is not set stops nothing: that target is not told, which is recorded, and `tieout alerts test` says so.
An address is in no line, row or message; `HIGH[0]` names the first one of HIGH.
"""

from __future__ import annotations

import re
import threading
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tieout.alerts.catalogue import Alert
    from tieout.config.blocks import AlertTargets

_LOADING: Final = threading.Lock()
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody to tell: the name that may be shown, and the address or why there is none."""

    name: str
    address: str = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told, of which alert."""

    alert: str
    title: str
    body: str


def targets_of(alert: Alert, targets: AlertTargets, environ: Mapping[str, str]) -> list[Target]:
    """Who is told of that alert."""
    addresses = targets.of(alert.severity)
    return [_target(f"{alert.severity}[{index}]", text, environ) for index, text in enumerate(addresses)]


def tell(target: Target, message: Message) -> str:
    """Tell one target; the answer is why it was not told, or nothing."""
    if target.problem:
        return target.problem
    try:
        return _notify(target.address, message)
    except Exception as error:  # noqa: BLE001 - a hundred plugins may raise anything, and no run stops for one
        return f"the service failed: {type(error).__name__}"


def _target(name: str, text: str, environ: Mapping[str, str]) -> Target:
    missing = sorted({found for found in _VARIABLE.findall(text) if not environ.get(found)})
    if missing:
        return Target(name, "", f"the environment has no {', '.join(missing)}")
    if "${" in _VARIABLE.sub("", text):
        return Target(name, "", "its ${...} is not the name of a variable")
    whole = _VARIABLE.fullmatch(text)
    if whole:
        return Target(name, environ[whole[1]])
    return Target(name, _VARIABLE.sub(lambda found: quote(environ[found[1]], safe=""), text))


def _notify(address: str, message: Message) -> str:
    import apprise  # heavy, and most workspaces have no targets

    # The first address loads its plugins. Filters of warnings are the whole process's: one thread at a time.
    with _LOADING, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its plugins' business, not our operator's
        service = apprise.Apprise.instantiate(address)
    if not service:
        return "not an address that Apprise knows"
    # Not through Apprise's own notify(): its thread pool keeps a program from ending while a service hangs.
    return "" if service.notify(body=message.body, title=message.title) else "the service did not take it"
