"""A second home for a finished backup: any address that fsspec knows, its manifest last, read back to be sure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from tieout.errors import BackupError

if TYPE_CHECKING:
    from pathlib import Path

    from tieout.backup.manifest import Backup

_CHUNK: Final = 1 << 20


def copy_backup(backup: Backup, address: str) -> None:
    """
    Copy a backup's three files there, and read them back.

    Args:
        address: a folder's path, or an address with a scheme (s3://bucket/folder); secrets are the library's
            business and come from the environment.

    Raises:
        BackupError: it could not be copied, or what arrived is not what was sent. The backup itself is untouched.
    """
    import fsspec

    try:
        files, folder = fsspec.core.url_to_fs(address)
        files.makedirs(folder, exist_ok=True)
        for path in (backup.db, backup.sql, backup.manifest):
            _copy(files, path, f"{folder.rstrip('/')}/{path.name}")
    except BackupError:
        raise
    except Exception as error:
        # A hundred file systems raise whatever they like, and none of them may stop a reconcile.
        raise BackupError(
            f"{backup.id} could not be copied to the second home: {type(error).__name__}: {error}",
            hint="check BACKUP_COPY_TO and its credentials; the backup itself is whole",
        ) from error


def _copy(files: Any, path: Path, target: str) -> None:
    wanted = hashlib.sha256()
    with path.open("rb") as source, files.open(target, "wb") as sink:
        while chunk := source.read(_CHUNK):
            wanted.update(chunk)
            sink.write(chunk)
    found = hashlib.sha256()
    with files.open(target, "rb") as arrived:
        while chunk := arrived.read(_CHUNK):
            found.update(chunk)
    if found.digest() != wanted.digest():
        raise BackupError(
            f"{path.name} arrived at the second home with other content",
            hint="check BACKUP_COPY_TO; the backup itself is whole",
        )
