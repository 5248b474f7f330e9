"""The Dask scheduler that a diff is handed to: reached, and its workers looked at, before any work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Final, TypeVar

from tieout.diffing.cluster.tasks import unreadable
from tieout.errors import EngineUnusable, InputUnusable

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")

TIMEOUT_S: Final = 15.0
"""How long a scheduler may take to answer, and its first worker to be there."""
_LOGGERS: Final = ("distributed", "distributed.client", "distributed.core", "distributed.utils", "tornado.application")
_PACKAGES: Final = ("tieout", "polars", "distributed")


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """
    A client of the scheduler at that address.

    Raises:
        EngineUnusable: Dask is not installed, nothing answers there, or no worker is there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise EngineUnusable(
            "the engine dask is not installed", hint="pip install 'tieout[dask]', here and where the workers run"
        ) from error
    # What it would say of workers that went away is dealt with, or becomes an error of ours.
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=TIMEOUT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineUnusable(
            f"no Dask scheduler answers at {address}: {said}",
            hint="start one with `dask scheduler`, and name it as tcp://HOST:8786",
        ) from error
    try:
        _wait_for_workers(client, address)
        yield client
    finally:
        client.close(timeout=TIMEOUT_S)


@contextmanager
def staying(address: str) -> Iterator[None]:
    """
    The block has work done.

    Raises:
        EngineUnusable: the scheduler went away, or workers did again and again.
    """
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise EngineUnusable(
            f"workers went away again and again: {str(error).splitlines()[0]}",
            hint="see the workers' logs; with too little memory, start them with more of it or fewer threads",
        ) from error
    except (OSError, CancelledError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise EngineUnusable(
            f"the scheduler at {address} went away: {said}", hint="see its log, start it again, then run this again"
        ) from error


def check_versions(client: Client) -> None:
    """
    Refuse workers that have another tieout, polars or Dask: they would compare by other rules, or not understand.

    Raises:
        EngineUnusable: says which worker has what.
    """
    ours = {name: version(name) for name in _PACKAGES}
    for worker, theirs in _asked(client, _versions_reader()).items():
        for name, mine in ours.items():
            if theirs[name] != mine:
                found = "does not have it" if theirs[name] is None else f"has {theirs[name]}"
                raise EngineUnusable(
                    f"{name} is {mine} here, and the worker {worker} {found}",
                    hint="install the same versions everywhere: pip install 'tieout[dask]'",
                )


def check_readable(client: Client, files: Sequence[str]) -> None:
    """
    Refuse files that a worker cannot read.

    Raises:
        InputUnusable: says which one, where, and why.
    """
    for worker, why in _asked(client, unreadable, list(files)).items():
        if why is not None:
            raise InputUnusable(
                f"the worker {worker} cannot read {why}",
                hint="put both sides on storage that every worker reaches under the same path or address",
            )


def _asked(client: Client, what: Callable[..., T], *words: object) -> dict[str, T]:
    """What each worker answers; one that goes away meanwhile has none, and is none."""
    answers = client.run(what, *words, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, Exception) and not isinstance(answer, OSError):
            raise EngineUnusable(
                f"the worker {worker} cannot answer: {answer}", hint="see its log, and what is installed there"
            ) from answer
    return {worker: answer for worker, answer in answers.items() if not isinstance(answer, OSError)}


def _wait_for_workers(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=TIMEOUT_S)
    except TimeoutError as error:
        raise EngineUnusable(
            f"the scheduler at {address} has no worker", hint=f"start some with `dask worker {address}`"
        ) from error


def _versions_reader() -> Callable[[], dict[str, str | None]]:
    """Sent by value, as a worker may not have tieout at all."""
    packages, missing, read = _PACKAGES, PackageNotFoundError, version

    def versions() -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for name in packages:
            try:
                found[name] = read(name)
            except missing:
                found[name] = None
        return found

    return versions
