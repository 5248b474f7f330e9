"""A notification service on loopback: one that takes everything, one that fails, one that never answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Event, Thread
from typing import Any


@dataclass
class Service:
    """Where it listens, what it was told, and how it answers."""

    status: int = 200
    hangs: bool = False
    told: Queue[dict[str, Any]] = field(default_factory=Queue)
    paths: Queue[str] = field(default_factory=Queue)
    let_go: Event = field(default_factory=Event)
    port: int = 0

    @property
    def address(self) -> str:
        """Its Apprise address, with something secret in it."""
        return f"json://127.0.0.1:{self.port}/secret-token"


@contextmanager
def serving(service: Service) -> Iterator[Service]:
    """The service, answering; what hangs is let go at the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.paths.put(self.path)
            service.told.put(body)
            if service.hangs:
                service.let_go.wait()
            self.send_response(service.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass  # a client that gave up waiting is part of the test

    with Server(("127.0.0.1", 0), Handler) as server:
        service.port = server.server_port
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield service
        finally:
            service.let_go.set()
            server.shutdown()
            thread.join()
