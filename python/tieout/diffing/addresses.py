"""Object stores and other addresses: polars reads the large ones by itself, fsspec the rest."""

from __future__ import annotations

import io
from pathlib import PurePosixPath
from typing import IO, Final

from tieout.diffing import paths
from tieout.diffing.failures import reading
from tieout.diffing.source import Source
from tieout.errors import InputUnusable

NATIVE: Final = (
    "s3://",
    "s3a://",
    "gs://",
    "gcs://",
    "az://",
    "azure://",
    "abfs://",
    "abfss://",
    "http://",
    "https://",
)
"""polars reads parts of these without fetching the whole."""


def open_address(address: str) -> Source:
    """
    One address, a glob or a folder behind one; the format follows from the ending.

    Raises:
        InputUnusable: nothing is there, it cannot be reached, or its format is unknown.
    """
    if address.startswith(NATIVE) and "*" not in address and paths.FORMATS.get(_ending(address)) == "parquet":
        with reading(address):
            return paths.of_typed("parquet", [address], name=address)
    return _fetched(address)


def _fetched(address: str) -> Source:
    import fsspec

    try:
        system, root = fsspec.core.url_to_fs(address)
        found = sorted(system.glob(root)) if "*" in root else [root]
        if len(found) == 1 and system.isdir(found[0]):
            found = sorted(one for one in system.find(found[0]) if _ending(one) in paths.FORMATS)
        kinds = {paths.FORMATS.get(_ending(one), "") for one in found}
        if not found or kinds == {""} or len(kinds) > 1:
            raise InputUnusable(
                f"{address}: {len(found)} files, formats {sorted(kinds)}; expected one format",
                hint=f"known endings: {', '.join(paths.FORMATS)}",
            )
        fetched: list[bytes] = [system.cat_file(one) for one in found]
    except (OSError, ImportError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputUnusable(
            f"{address} cannot be read: {said}", hint="check the address and its credentials"
        ) from error
    kind = kinds.pop()
    data: list[IO[bytes]] = [io.BytesIO(one) for one in fetched]
    with reading(address):
        if kind in {"csv", "tsv"}:
            return paths.of_csv(kind, data, name=address, rows=sum(one.count(b"\n") for one in fetched))
        return paths.of_typed(kind, data, name=address)


def _ending(address: str) -> str:
    return PurePosixPath(address).suffix.lower()
