"""A real nats-server with JetStream for a test, if this machine has one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest

SERVER: Final = shutil.which("nats-server", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin")))

needs_server = pytest.mark.skipif(
    SERVER is None, reason="no nats-server on this machine; docs/ticks_nats.md says how to get one"
)


class NatsServer:
    """One server on a port of its own; what it keeps stays in its folder when it is killed."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> NatsServer:
        """Start it and wait until it answers."""
        assert SERVER is not None
        command = [SERVER, "-a", "127.0.0.1", "-p", str(self.port), *self._options]
        if "--no-stream" in command:
            command.remove("--no-stream")
        else:
            command += ["-js", "-sd", str(self._folder)]
        log = (self._folder.parent / "nats.log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        while True:
            assert self._process.poll() is None, "the server did not start"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process is not None:
            self.kill()
