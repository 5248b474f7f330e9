"""The gateway as a process of its own: it says its port, and goes when it is told to."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from contextlib import ExitStack

import pytest

from sim_support import TIMEOUT_S, RawClient
from tieout.sim import run_in_thread

SERVE = "from tieout.sim import *; serve(SimOptions(on_listening=lambda port: print(port, flush=True)))"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_with_clients_connected(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with RawClient(int(process.stdout.readline())) as client:
            client.start(7)
            process.send_signal(number)
            assert client.read() == []
        rest, complaints = process.communicate(timeout=TIMEOUT_S)
    assert (process.returncode, rest, complaints) == (0, "", "")


def test_clients_let_in_while_it_closes_leave_no_socket_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Races the accepting with the closing; what asyncio leaves open complains when it is collected."""
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: complaints.append(unraisable.exc_value))
    for clients in [1, 2, 3] * 10:
        with ExitStack() as connected, run_in_thread() as sim:
            for _ in range(clients):
                connected.enter_context(RawClient(sim.port))
    gc.collect()
    assert complaints == []
