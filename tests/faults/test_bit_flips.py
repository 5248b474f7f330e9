"""One byte of a backup changed, at many places of its three files: every change is found."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest
from kill_support import SEED, SOAK

from backup_books import NOON_NS, new_book
from tieout.backup import make_backup, verify_backup
from tieout.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.backup import Backup

PLACES = 1000 if SOAK else 60
"""In each file; the manifest is changed at every byte of it in a soak."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Backup:
    folder = tmp_path_factory.mktemp("flips")
    book = new_book(folder / "orders.db", rows=40)
    make_backup(book, backups_dir=folder / "backups", now_ns=NOON_NS - 10**9)
    new_book(folder / "other.db", rows=41).replace(book)
    return make_backup(book, backups_dir=folder / "backups", now_ns=NOON_NS)


def found(made: Backup) -> bool:
    """Whether the backup is known to be spoilt."""
    try:
        return not verify_backup(made.db.parent, made.id).ok
    except BackupError:
        return True


@pytest.mark.parametrize("part", ["db", "sql", "manifest"])
def test_every_changed_byte_is_found(made: Backup, part: str) -> None:
    path: Path = getattr(made, part)
    whole = path.read_bytes()
    dice = random.Random(f"{SEED}{part}")
    places = sorted(dice.sample(range(len(whole)), min(PLACES, len(whole))))
    missed = []
    for at in places:
        changed = bytearray(whole)
        changed[at] ^= dice.randint(1, 255)
        path.write_bytes(changed)
        if not found(made):
            missed.append((at, bytes(whole[max(0, at - 30) : at + 10]), bytes(changed[at : at + 1])))
    path.write_bytes(whole)
    assert not found(made)
    assert missed == []
    print(f"\none byte changed in the {part}: seed {SEED}, {len(places)} places of {len(whole)} tried, all found")


@pytest.mark.parametrize("key", ["created_at", "lineage", "restore_epoch", "schema_sha256", "tool_version", "previous"])
def test_a_manifest_that_says_something_else_is_found(made: Backup, key: str) -> None:
    """Also where it is well-formed, and neither hash nor count would tell."""
    whole = made.manifest.read_bytes()
    content = json.loads(whole)
    content[key] = {"created_at": "2025-12-07T12:00:01.000Z", "restore_epoch": 7, "previous": None}.get(key, "0" * 64)
    made.manifest.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    assert found(made)
    made.manifest.write_bytes(whole)
    assert not found(made)
