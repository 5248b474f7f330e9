"""Backups of the book: taking, listing, verifying, keeping and restoring them."""

from tieout.backup.backup import make_backup, read_fingerprint
from tieout.backup.catalogue import Check, Verification, find, list_backups, verify_backup
from tieout.backup.differences import Difference, TableDifference
from tieout.backup.drill import Drill, run_drill
from tieout.backup.manifest import Backup
from tieout.backup.restore import Restored, RestorePreview, apply_restore, continue_chain, plan_restore
from tieout.backup.retention import Policy, Pruning, plan_pruning, prune, sweep

__all__ = [
    "Backup",
    "Check",
    "Difference",
    "Drill",
    "Policy",
    "Pruning",
    "RestorePreview",
    "Restored",
    "TableDifference",
    "Verification",
    "apply_restore",
    "continue_chain",
    "find",
    "list_backups",
    "make_backup",
    "plan_pruning",
    "plan_restore",
    "prune",
    "read_fingerprint",
    "run_drill",
    "sweep",
    "verify_backup",
]
