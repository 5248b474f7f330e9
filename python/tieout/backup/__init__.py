"""Backups of the book: taking, listing, verifying and restoring them."""

from tieout.backup.backup import make_backup, read_fingerprint
from tieout.backup.catalogue import Check, Verification, find, list_backups, verify_backup
from tieout.backup.manifest import Backup

__all__ = [
    "Backup",
    "Check",
    "Verification",
    "find",
    "list_backups",
    "make_backup",
    "read_fingerprint",
    "verify_backup",
]
