"""The simulated gateway of `--sim` lives exactly as long as the command that started it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

STARTER = """
from tieout.cli.surroundings import simulated_gateway
with simulated_gateway([]) as port:
    print(port, flush=True)
    input()
"""
WAIT_S = 60


@pytest.mark.parametrize("end", ["kill", "terminate", "leave"])
def test_the_gateway_goes_when_its_parent_goes(end: str) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", STARTER], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        port = int(parent.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as client:
            if end == "leave":
                parent.stdin.write("\n")
                parent.stdin.flush()
            else:
                getattr(parent, end)()
            assert client.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
