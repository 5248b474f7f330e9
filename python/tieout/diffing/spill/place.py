"""Where a diff spills to, and how: decided when it does not fit, or by the killed run that it goes on with."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import polars as pl

from tieout.diffing.loading import Wanted
from tieout.diffing.memory import Size
from tieout.diffing.options import Options
from tieout.diffing.source import Source
from tieout.diffing.spill.comparing import needed
from tieout.diffing.spill.folder import Folder, open_folder, sweep
from tieout.diffing.spill.identity import identity_of
from tieout.errors import DiskError

Sides = tuple[tuple[Source, Wanted], tuple[Source, Wanted]]

PARTS_MAX: Final = 1 << 10
UNEVEN: Final = 1.25
"""Parts are not of one size; so much larger than the average one may be and still fit."""
PLACE_BYTES: Final = 4
_GUESSES: Final[dict[str, pl.DataType]] = {str(one): one for one in (pl.Float64(), pl.String())}
"""What `agreement.wider` answers."""


class Spill:
    """
    The spill folder of a diff, once there is one.

    At its start what killed runs left is removed; what one of the same diff left is taken up. Where the block fails,
    the folder goes; else the result has it.
    """

    def __init__(self, left: Source, right: Source, options: Options, *, available: int) -> None:
        self._root = options.spill_dir or Path(tempfile.gettempdir())
        self._identity = identity_of(left, right, options)
        self._available = available
        self.folder: Folder | None = None

    def __enter__(self) -> Self:
        """Clean up, and look for a run to go on with."""
        if sweep(self._root, keep=self._identity):
            found = open_folder(self._root, self._identity)
            if found.state:
                self.folder = found
            else:
                found.remove()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing stays of a diff that failed or was interrupted."""
        if error is not None and self.folder is not None:
            self.folder.remove()

    def guesses(self) -> dict[str, pl.DataType]:
        """What the earlier run has found out about columns of texts."""
        told = {} if self.folder is None else self.folder.state["guesses"]
        return {name: _GUESSES[dtype] for name, dtype in told.items()}

    def lay_out(self, sizes: tuple[Size, Size], guesses: dict[str, pl.DataType]) -> None:
        """
        Begin to spill sides of about those sizes.

        Raises:
            UsageError: there is no such folder to spill to.
            DiskError: nothing can be written there.
        """
        self.folder = open_folder(self._root, self._identity)
        left, right = (PLACE_BYTES + one.size / one.rows if one.rows else 0.0 for one in sizes)
        whole = needed((sizes[0].rows, sizes[1].rows), (left, right))
        self._keep(
            {
                "parts": min(PARTS_MAX, max(2, -(-int(whole * UNEVEN) // self._available))),
                "widths": [left, right],
                "rows": [one.rows for one in sizes],
                "guesses": _told(guesses),
            }
        )

    def start_again(self, guesses: dict[str, pl.DataType]) -> None:
        """
        Forget what was dealt out, as a column is something else than it looked like.

        Raises:
            DiskError: nothing can be written there.
        """
        if self.folder is not None:
            state = self.folder.state
            self.folder.clear()
            self._keep({**state, "guesses": _told(guesses)})

    def _keep(self, state: dict[str, object]) -> None:
        if self.folder is None:
            return
        try:
            self.folder.keep(state)
        except OSError as error:
            raise DiskError(
                f"{self._root} cannot be spilled to: {error.strerror}", hint="name another folder with --spill-dir"
            ) from error


def _told(guesses: dict[str, pl.DataType]) -> dict[str, str]:
    return {name: str(dtype) for name, dtype in guesses.items()}
