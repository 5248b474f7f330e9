"""One SQLite library opens the live book, in one place: two of them in a process lose commits without a word."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from approval_support import ROWS, SCENARIO, workspace
from cli_process import ENVIRONMENT
from cli_support import gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(__file__).parent.parent / "python" / "tieout"
FILES = sorted(PACKAGE.rglob("*.py"))

OPENERS = ("store/", "backup/", "sim/book.py", "samples/__init__.py")
"""Who may open an SQLite file. The simulated gateway reads a book before it serves; the sample book is a new one."""
READS = {"open", "read_bytes", "read_text", "write_bytes", "write_text"}
"""Ways to open a file as bytes: on the live book's path each drops the locks that SQLite holds in this process."""
BOOK_NAMES = {"book", "orders_db", "live"}
"""What a path to the live book is called in this code."""
OTHER_LIBRARIES = {"duckdb", "adbc_driver_sqlite", "adbc_driver_manager", "apsw", "pysqlite3", "connectorx", "sqlean"}
"""Packages that bring an SQLite of their own, or open its files without one."""
MARK = b"SQLite format 3\0"
"""What every SQLite file begins with: a library that holds these bytes is an SQLite."""
COMMAND = """
    import sys
    from tieout.cli import main
    code = main(sys.argv[1:])
    mapped = {line.split(maxsplit=5)[5].strip() for line in open("/proc/self/maps") if "/" in line}
    print("code", code)
    print("libraries", *sorted(path for path in mapped if ".so" in path))
    print("modules", *sorted({name.partition(".")[0] for name in sys.modules}))
"""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))


def last_name(node: ast.expr) -> str:
    """`desk.workspace.book` and `book` are both called book."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def opens_a_database(call: ast.Call) -> bool:
    """sqlite3.connect(...), create_engine(...)."""
    name = last_name(call.func)
    if name == "create_engine":
        return True
    return name == "connect" and isinstance(call.func, ast.Attribute) and last_name(call.func.value) == "sqlite3"


def opens_the_book_as_bytes(call: ast.Call) -> bool:
    """open(book), os.open(book), book.open(), book.read_bytes()."""
    if last_name(call.func) not in READS:
        return False
    subject = call.func.value if isinstance(call.func, ast.Attribute) else None
    looked_at = [*call.args[:1], *([] if subject is None else [subject])]
    return any(last_name(one) in BOOK_NAMES for one in looked_at)


def places(wanted: Callable[[ast.Call], bool], *, but: tuple[str, ...] = ()) -> list[str]:
    """Where in the package there is such a call, outside of some files."""
    paths = [path for path in FILES if not (but and name_of(path).startswith(but))]
    return [f"{name_of(path)}:{call.lineno}" for path in paths for call in calls(path) if wanted(call)]


def test_only_the_store_opens_sqlite_files() -> None:
    assert places(opens_a_database, but=OPENERS) == []
    assert places(opens_a_database) != []


def test_nobody_reads_the_live_book_as_bytes() -> None:
    assert places(opens_the_book_as_bytes) == []


def test_no_other_library_is_imported() -> None:
    for path in FILES:
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
        assert {name.partition(".")[0] for name in names} & OTHER_LIBRARIES == set(), name_of(path)


@pytest.mark.parametrize("text", [
    "sqlite3.connect(path)", "create_engine('sqlite://')", "sqlalchemy.create_engine('sqlite://')",
])  # fmt: skip
def test_a_second_opener_would_be_seen(text: str) -> None:
    assert [opens_a_database(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)] == [True]


@pytest.mark.parametrize("text", [
    "open(book)", "os.open(desk.workspace.book, 0)", "book.open('rb')", "space.book.read_bytes()",
])  # fmt: skip
def test_a_reader_of_the_book_would_be_seen(text: str) -> None:
    assert [opens_the_book_as_bytes(node) for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)] == [True]


def test_a_stage_and_a_confirm_have_one_sqlite_in_their_process(tmp_path: Path) -> None:
    place = workspace(tmp_path, *ROWS)
    with gateway(place, scenario=SCENARIO):
        assert one_library(place.root, "stage") == 3
        assert one_library(place.root, "confirm", place.plan()["plan_id"]) == 0
    assert place.counts()["order_audit"] == 5


def one_library(root: Path, *words: str) -> int:
    """The command's exit code, once it is proven that its process held one SQLite."""
    command = [sys.executable, "-c", textwrap.dedent(COMMAND), "--quiet", "--workspace", str(root), *words]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    told = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    holding = [path for path in told["libraries"].split() if MARK in Path(path).read_bytes()]
    assert len(holding) == 1, holding
    assert set(told["modules"].split()) & OTHER_LIBRARIES == set()
    return int(told["code"])
