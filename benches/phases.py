"""Time and peak memory of the phases of one run, one after another, each with the garbage of the ones before it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from own_memory import peak_mib, peak_starts_anew

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Phases:
    """
    Seconds and peak MiB by phase, in the order of their first time; what is nested counts for the inner one alone.

    Where the system cannot reset the peak (other than Linux), a phase's peak is that of the run so far.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, int] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _since: float = 0.0

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Everything inside belongs to that phase."""
        self._turn()
        self._open.append(name)
        self.seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def told(self, name: str, call: Callable[P, T]) -> Callable[P, T]:
        """The same call, as that phase."""

        def timed(*words: P.args, **named: P.kwargs) -> T:
            with self.phase(name):
                return call(*words, **named)

        return timed

    def table(self) -> str:
        """One line for each phase: seconds, share of the whole, peak memory."""
        whole = sum(self.seconds.values())
        lines = [f"{'phase':8} {'seconds':>8} {'share':>6} {'peak MiB':>9}"]
        lines += [
            f"{name:8} {spent:8.2f} {spent / whole:6.0%} {self.peak_mib[name]:9}"
            for name, spent in self.seconds.items()
        ]
        return "\n".join([*lines, f"{'all':8} {whole:8.2f} {1:6.0%} {max(self.peak_mib.values()):9}"])

    def _turn(self) -> None:
        """Give the time since the last turn to the phase that was open then."""
        now, peak = time.perf_counter(), peak_mib()
        if self._open:
            name = self._open[-1]
            self.seconds[name] += now - self._since
            self.peak_mib[name] = max(peak, self.peak_mib.get(name, 0))
        peak_starts_anew()
        self._since = time.perf_counter()
