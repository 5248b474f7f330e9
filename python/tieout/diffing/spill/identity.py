"""What makes two runs the same diff: the same files, unchanged, the same question, and the same tieout."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Final

from tieout.diffing.failures import reading
from tieout.diffing.options import Options
from tieout.diffing.source import Source

LAYOUT: Final = 1
"""Raised when the files of a spill folder change their meaning."""
_DIGITS: Final = 24


def identity_of(left: Source, right: Source, options: Options) -> str | None:
    """
    A name that only the same diff has; None where a side is no local file, of which nobody could tell a change.

    Raises:
        InputUnusable: a file is not there any more.
    """
    if not left.files or not right.files:
        return None
    files = []
    for source in (left, right):
        with reading(source.name):
            found = [(path, path.stat()) for path in source.files]
        files.append([source.name, [(str(p.absolute()), s.st_ino, s.st_size, s.st_mtime_ns) for p, s in found]])
    asked = {
        "layout": LAYOUT,
        "version": version("tieout"),
        "files": files,
        "keys": options.keys,
        "fields": options.fields,
        "ignore": options.ignore,
        "tolerances": sorted(options.tolerances.items()),
        "left": options.left.model_dump(mode="json"),
        "right": options.right.model_dump(mode="json"),
        "sample": options.sample,
        "time": options.time,
        "null_keys": options.null_keys,
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:_DIGITS]
