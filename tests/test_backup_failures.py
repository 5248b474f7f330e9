"""When no backup can be made: one clear error, nothing left behind, the book untouched."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from backup_books import NOON_NS, new_book, run_sql
from tieout.backup import folder, list_backups, loading, make_backup, proof, sweep
from tieout.backup.loading import load_file
from tieout.backup.tables import Kinds
from tieout.errors import BackupError, BookLocked, BookMissing, BookUnusable
from tieout.store import engine


def names(folder_: Path) -> list[str]:
    return sorted(path.name for path in folder_.iterdir())


def test_a_missing_book(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="there is no book at") as caught:
        make_backup(tmp_path / "orders.db", backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert (type(caught.value.__cause__), caught.value.exit_code) == (BookMissing, 15)
    assert names(tmp_path / "backups") == []


def test_a_book_that_is_not_sqlite(tmp_path: Path) -> None:
    (tmp_path / "orders.db").write_bytes(b"not a database, but long enough to be taken for one" * 40)
    with pytest.raises(BackupError, match="is not an SQLite database") as caught:
        make_backup(tmp_path / "orders.db", backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert type(caught.value.__cause__) is BookUnusable
    assert names(tmp_path / "backups") == []


def test_a_corrupt_book(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db", rows=400)
    data = bytearray(book.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 2048] = b"\xff" * 2048
    book.write_bytes(data)
    with pytest.raises(BackupError, match=r"corrupt|damage"):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []
    assert book.read_bytes() == data


def test_a_corrupt_index_is_found_in_the_copy(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db", rows=5)
    run_sql(
        book,
        """PRAGMA writable_schema=ON;
        UPDATE sqlite_master SET rootpage = (SELECT rootpage FROM sqlite_master WHERE name = 'ix_order_audit_row')
        WHERE name = 'ix_orders_order_ref';""",
    )
    with pytest.raises(BackupError, match="SQLite finds damage in"):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []


def test_a_locked_book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db")
    monkeypatch.setattr(engine, "connect", partial(engine.connect, timeout_s=0.05))
    with closing(sqlite3.connect(book, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BackupError, match="is locked by another process") as caught:
            make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert type(caught.value.__cause__) is BookLocked
    assert names(tmp_path / "backups") == []


def test_a_backup_folder_that_is_a_file(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    (tmp_path / "backups").write_text("in the way", "utf-8")
    with pytest.raises(BackupError, match="cannot be used") as caught:
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert caught.value.hint == "check BACKUP_DIR and the folder's owner and mode"
    assert (tmp_path / "backups").read_text("utf-8") == "in the way"


def test_too_little_space_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = new_book(tmp_path / "orders.db")
    monkeypatch.setattr(folder, "SPARE_BYTES", 1 << 60)
    with pytest.raises(BackupError, match="MiB free; a verified backup of this book needs"):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []


def test_a_full_disk_at_any_size(tmp_path: Path) -> None:
    """RLIMIT_FSIZE: each write beyond it fails as on a full disk. Limits rise until a backup is made."""
    book = new_book(tmp_path / "orders.db", rows=400)
    before = book.read_bytes()
    outcomes = set()
    for limit in range(0, 4 * len(before), 16_384):
        outcome = backup_under_limit(book, limit)
        outcomes.add(outcome)
        if outcome == ("made",):
            break
        code, message, hint = outcome
        assert (code, message.startswith("the backup failed"), "space" in hint) == (15, True, True)
        assert names(tmp_path / "backups") == []
        assert book.read_bytes() == before
    assert ("made",) in outcomes
    assert len(outcomes) >= 2


def backup_under_limit(book: Path, limit: int) -> tuple[Any, ...]:
    """What a process that may write files of that size answers."""
    script = f"""
        import json, resource, signal
        from pathlib import Path
        from tieout.backup import make_backup
        from tieout.errors import BackupError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        book = Path({str(book)!r})
        try:
            make_backup(book, backups_dir=book.parent / "backups", now_ns={NOON_NS})
            print(json.dumps(["made"]))
        except BackupError as error:
            print(json.dumps([error.exit_code, error.message, error.hint]))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, check=False, env=environment())
    assert (done.returncode, done.stderr) == (0, b"")
    return tuple(json.loads(done.stdout))


def test_a_copy_that_differs_is_no_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db")
    real = proof.check_copy

    def spoiled(path: Path, kinds: Kinds) -> proof.CopyCheck:
        run_sql(path, "UPDATE orders SET symbol = 'MES' WHERE id = 2;")
        return real(path, kinds)

    monkeypatch.setattr(proof, "check_copy", spoiled)
    with pytest.raises(BackupError, match="holds other values than the book in orders"):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []


def test_a_dump_cut_off_is_not_loaded(tmp_path: Path) -> None:
    book = new_book(tmp_path / "orders.db")
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    data = made.sql.read_bytes()
    for length in (data.rindex(b"COMMIT;"), data.rindex(b"COMMIT;") + 3, len(data) // 2):
        made.sql.write_bytes(data[:length])
        with pytest.raises(BackupError):
            load_file(made.sql)
    assert names(tmp_path / "backups") == [made.db.name, made.manifest.name, made.sql.name]


def test_a_large_dump_is_loaded_by_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db", rows=400)
    monkeypatch.setattr(loading, "APART_FROM_BYTES", 0)
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert load_file(made.sql) == loading.Loaded(made.sql_sha256, load_file(made.sql).summary)
    assert load_file(made.sql).summary.fingerprint == made.fingerprint
    assert names(tmp_path / "backups") == [made.db.name, made.manifest.name, made.sql.name]


@pytest.mark.parametrize(
    ("child", "told"),
    [
        ("import os; os._exit(3)", "the process that loads the dump ended with 3"),
        ('print(\'{"failed": "disk I/O error"}\')', "cannot be loaded: disk I/O error"),
    ],
)
def test_a_loading_process_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, child: str, told: str) -> None:
    book = new_book(tmp_path / "orders.db", rows=400)
    monkeypatch.setattr(loading, "APART_FROM_BYTES", 0)
    monkeypatch.setattr(loading, "_CHILD", child)
    with pytest.raises(BackupError, match=told):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = new_book(tmp_path / "orders.db")

    def interrupted(_path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(folder, "publish", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert names(tmp_path / "backups") == []


def environment() -> dict[str, str]:
    return {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin", "HOME": str(Path.home())}


@pytest.mark.parametrize("dies_at", ["folder.publish", "manifest.write", "proof.check_copy"])
def test_a_kill_leaves_no_backup_and_the_next_run_makes_one(tmp_path: Path, dies_at: str) -> None:
    book = new_book(tmp_path / "orders.db")
    script = f"""
        import os, signal
        from pathlib import Path
        from tieout.backup import folder, make_backup, manifest, proof
        {dies_at} = lambda *_args, **_options: os.kill(os.getpid(), signal.SIGKILL)
        make_backup(Path({str(book)!r}), backups_dir=Path({str(tmp_path / "backups")!r}), now_ns={NOON_NS})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False, env=environment())
    assert done.returncode == -signal.SIGKILL
    left = names(tmp_path / "backups")
    assert len(left) >= 2
    assert list_backups(tmp_path / "backups") == []
    made = make_backup(book, backups_dir=tmp_path / "backups", now_ns=NOON_NS)
    assert list(sweep(tmp_path / "backups")) == left
    assert names(tmp_path / "backups") == [made.db.name, made.manifest.name, made.sql.name]
