"""Operators and a bot as processes of their own, which wait for the word to act all at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli_process import ENVIRONMENT, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPERATOR = """
    import contextlib, io, json, sys
    from tieout.cli import main
    print("ready", flush=True)
    for line in sys.stdin:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(json.loads(line))
        print(json.dumps([code, out.getvalue(), err.getvalue()]), flush=True)
"""
# One transaction for each statement, each committed before the next begins; answers how many rows it changed.
BOT = """
    import json, sqlite3, sys
    print("ready", flush=True)
    for line in sys.stdin:
        path, statements = json.loads(line)
        book = sqlite3.connect(path, isolation_level=None, timeout=60)
        changed = 0
        for statement in statements:
            book.execute("BEGIN IMMEDIATE")
            changed += book.execute(statement).rowcount
            book.execute("COMMIT")
        book.close()
        print(changed, flush=True)
"""


@dataclass(frozen=True)
class Worker:
    """A process that does one thing for each line it is told."""

    process: subprocess.Popen[str]

    def tell(self, order: object) -> None:
        """Begin."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """What it came to; waits for it."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def outcome(self) -> Outcome:
        """The same, of an operator's command."""
        return Outcome(*json.loads(self.answer()))


@contextmanager
def crew(count: int) -> Iterator[tuple[list[Worker], Worker]]:
    """That many operators and a bot, ready; all gone at the end of the block."""
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(OPERATOR)) for _ in range(count)] + [stack.enter_context(_worker(BOT))]
        for worker in workers:
            assert worker.answer() == "ready\n"
        yield workers[:-1], workers[-1]


@contextmanager
def _worker(script: str) -> Iterator[Worker]:
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(
        command, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Worker(process)
        except BaseException:
            process.kill()
            raise


def confirm_words(root: Path, plan_id: str, *, wait_s: float) -> list[str]:
    """The command line of one operator."""
    return ["--workspace", str(root), "--json", "confirm", plan_id, "--lock-timeout", str(wait_s)]
