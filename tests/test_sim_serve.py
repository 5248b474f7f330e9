"""The gateway as a process of its own: it says its port, and goes when it is told to."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from sim_support import TIMEOUT_S, RawClient

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
