"""The program as its users start it: processes, what they say and how they end, and ports that misbehave."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tieout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WAIT_S = 60.0
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(tieout.__file__).parents[1]), "PYTHONWARNINGS": "error"}
"""A child finds the same tieout from any folder, and its warnings are errors like ours."""


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        found: dict[str, Any] = json.loads(self.out)
        assert self.out == json.dumps(found, ensure_ascii=False) + "\n"
        return found


def start(
    command: list[str], folder: Path, *, prepare: Callable[[], None] | None = None, output: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """A process with its own output, in that folder; `prepare` runs in it before the program."""
    return subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,  # noqa: PLW1509 - it makes one system call, and takes no lock
    )


def finished(process: subprocess.Popen[str]) -> Outcome:
    """The process's outcome, once it has ended by itself."""
    try:
        out, err = process.communicate(timeout=WAIT_S)
    finally:
        process.kill()
        process.wait()
    return Outcome(process.returncode, out or "", err)


@contextmanager
def listener(greeting: bytes | None) -> Iterator[tuple[int, threading.Event]]:
    """A port that accepts and says nothing, or these bytes; the event is set with the first client."""
    accepted = threading.Event()
    peers: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                peers.append(peer)
                if greeting is not None:
                    peer.sendall(greeting)
                accepted.set()

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], accepted
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for peer in peers:
                peer.close()


def assert_error(done: Outcome, code: int, *, says: str) -> None:
    """One clear message with a hint, no traceback, nothing on stdout."""
    assert done.code == code, done
    assert done.err.startswith("error: "), done.err
    assert says in done.err.partition("\nhint: ")[0], done.err
    assert len(done.err.partition("\nhint: ")[2].splitlines()) == 1, done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def assert_json_error(done: Outcome, code: int, *, name: str, says: str) -> None:
    """Exactly one JSON object on stdout: the error's name, message and hint."""
    assert done.code == code, done
    assert list(done.told) == ["error"]
    error = done.told["error"]
    assert list(error) == ["code", "message", "hint"]
    assert (error["code"], bool(error["hint"])) == (name, True), error
    assert says in error["message"], error
    assert "Traceback" not in done.err
