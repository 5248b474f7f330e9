"""The house: who may import whom, who may write SQL and read the clock, and how large a file may be."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "python" / "tieout"
SHIPPED = PACKAGE / "templates" / "run_bot.py"
"""Not a module of ours: `tieout init` writes it into a workspace."""
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != SHIPPED)

GROUND = {"errors", "fixed", "clock", "model", "schema", "flags", "config", "canonical", "files", "failpoints", "locks"}
DATA = {"samples", "templates"}
"""Shipped files, with at most a reader; the command line writes them out."""

MAY_IMPORT = {
    **dict.fromkeys(GROUND, frozenset[str]()),
    **dict.fromkeys(DATA, frozenset[str]()),
    "broker": frozenset[str](),
    "store": frozenset[str](),
    "sim": frozenset[str](),
    "diffing": frozenset({"store"}),
    "reconcile": frozenset({"store", "broker.port"}),
    **dict.fromkeys(
        ("staging", "backup", "gate", "ticks", "alerts"),
        frozenset({"reconcile", "store", "broker.port", "broker.flex", "staging", "backup", "gate", "ticks", "alerts"}),
    ),
    "strategy": frozenset({"broker.port", "gate", "ticks"}),
    "examples": frozenset({"strategy"}),
    "bot": frozenset({"store", "broker.port", "staging", "backup", "gate", "ticks", "alerts", "strategy"}),
    "__main__": frozenset({"cli"}),
    "app": frozenset({"bot", "reconcile", "store", "broker", "staging", "backup", "gate", "ticks", "alerts", "cli"}),
    "cli": frozenset(
        {"reconcile", "store", "broker", "staging", "backup", "gate", "ticks", "alerts", "bot", "app", "sim", "diffing"}
        | DATA
    ),
}
"""Room -> what it may import beside itself and the ground floor. `broker.port`: only the port; `broker.flex`: files."""

ONLY_IN = {
    "tieout._core": ("reconcile/match.py", "reconcile/diff.py", "diffing/kernel.py", "gate/", "ticks/"),
    "ib_async": ("broker/ib",),
    "ib_insync": ("broker/ib",),
    "sqlalchemy": ("store/", "backup/"),
    "alembic": ("store/",),
    "ibflex": ("broker/flex/",),
    "apprise": ("alerts/",),
    "distributed": ("diffing/cluster/",),
    "yaml": ("config/", "sim/"),
    "typer": ("cli/",),
    "rich": ("cli/",),
}
"""Module -> the files that may import it, by the beginning of their path."""

SQL_WRITERS = ("store/", "backup/dump.py", "backup/load.py")
"""The dump is SQL text that is never run on the book; it is tried out on a throw-away one."""
SQL_WRITE = re.compile(
    r"\s*(INSERT\s+(OR\s+\w+\s+)?INTO|REPLACE\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|DROP\s+TABLE|ALTER\s+TABLE"
    r"|CREATE\s+(TABLE|INDEX|TRIGGER|UNIQUE))\b",
    re.IGNORECASE,
)
CLOCK_CALLS = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}
LINES_MAX = {"python": 300, "rust": 400, "tests": 450, "benches": 450}
"""By top folder; a test file may be longer by its tables of cases."""


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(module: str) -> str:
    """tieout.store.reader -> store; tieout.broker.port, and what tieout.broker exports -> broker.port; broker.flex."""
    parts = [*module.split(".")[1:], ""]
    if parts[:2] == ["broker", "flex"]:
        return "broker.flex"
    behind_the_port = parts[1] != "port" and (PACKAGE / "broker" / f"{parts[1]}.py").exists()
    return "broker.port" if parts[0] == "broker" and not behind_the_port else parts[0]


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it, `from package import name` as package.name."""
    yield from imported_by(ast.parse(path.read_text("utf-8")))


def imports_at_run(path: Path) -> Iterator[str]:
    """The same without what stands under `if TYPE_CHECKING`."""
    tree = ast.parse(path.read_text("utf-8"))
    tree.body = [n for n in tree.body if not (isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")]
    yield from imported_by(tree)


def imported_by(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_downwards(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    if own == "__init__":
        assert [m for m in imports_at_run(path) if within(m, "tieout")] == []
        return
    allowed = MAY_IMPORT[own] | GROUND | {own}
    reached = {room_of(m) for m in imports(path) if within(m, "tieout") and not within(m, "tieout._core")}
    forbidden = {r for r in reached - allowed if r.split(".")[0] not in allowed}
    assert forbidden == set(), f"{name_of(path)} may import {sorted(allowed)}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_ground_floor_knows_no_room(path: Path) -> None:
    if path.relative_to(PACKAGE).with_suffix("").parts[0] in GROUND:
        assert {room_of(m) for m in imports(path) if within(m, "tieout")} <= GROUND


@pytest.mark.parametrize("module", sorted(ONLY_IN))
def test_a_module_is_imported_only_where_it_belongs(module: str) -> None:
    found = [name_of(path) for path in FILES if any(within(m, module) for m in imports_at_run(path))]
    assert [name for name in found if not name.startswith(ONLY_IN[module])] == []


def test_nothing_but_the_command_line_sees_the_simulated_gateway() -> None:
    seen_by = {name_of(path).split("/")[0] for path in FILES if any(room_of(m) == "sim" for m in imports(path)
               if within(m, "tieout"))}  # fmt: skip
    assert seen_by <= {"cli", "sim"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_store_writes_sql(path: Path) -> None:
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    if not name_of(path).startswith(SQL_WRITERS):
        assert [text for text in texts if SQL_WRITE.match(text)] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_clock_reads_the_time_of_day(path: Path) -> None:
    calls = [
        ast.unparse(node.func)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    if name_of(path) != "clock.py":
        assert [call for call in calls if call in CLOCK_CALLS] == []


@pytest.mark.parametrize(
    "path",
    sorted(path for folder in LINES_MAX for kind in ("*.py", "*.rs") for path in (ROOT / folder).rglob(kind)),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_a_file_stays_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINES_MAX[path.relative_to(ROOT).parts[0]]


def test_no_room_is_called_utils() -> None:
    assert [name_of(path) for path in FILES if path.stem in {"utils", "util", "helpers", "misc"}] == []
