"""
The Rust kernel (rust/core, through rust/py). Frames cross as Arrow's PyCapsules, without a copy.

Only tieout.reconcile.match and tieout.reconcile.diff call this; they check the frames first.
"""

from typing import Final, Protocol, final, type_check_only

__all__ = ["CANDIDATES_NAMED_MAX", "FIELDS", "differing_fields", "match_orders"]

@type_check_only
class ArrowStream(Protocol):
    """Anything that gives its rows as an Arrow stream: a polars frame does."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
@type_check_only
class RecordBatch:
    """Rows of Arrow columns; `polars.DataFrame(batch)` takes them over."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

FIELDS: Final[tuple[str, ...]]
"""The compared fields in the order of their bits."""

CANDIDATES_NAMED_MAX: Final[int]
"""At most so many candidates of an ambiguous row are named."""

def match_orders(
    broker: ArrowStream,
    book: ArrowStream,
    *,
    window_ns: int,
    price_tolerance_e8: int,
    accept_unique: bool,
) -> tuple[RecordBatch, RecordBatch, RecordBatch, RecordBatch]:
    """
    Split the rows of both sides by the rules of `tieout.reconcile.match`.

    Args:
        broker: schema `ORDER` (tieout.schema), in one record batch.
        book: the same.
        window_ns: how far apart the times of a signature match may be, inclusive.
        price_tolerance_e8: how far apart its prices may be, inclusive; 0 where they must be equal.
        accept_unique: whether a signature match that is the only possibility is a pair.

    Returns:
        Pairs (broker, book: UInt32; tier: UInt8), ascending by broker; the other broker rows and the other
        book rows (row: UInt32), ascending; possibilities of ambiguous rows (group, broker, book: UInt32;
        tier: UInt8; reason: LargeUtf8; candidates: UInt32), ascending by group, broker, book.

    Raises:
        ValueError: a column is missing; more than one record batch; too many rows.
        TypeError: a column is of another type.
        OverflowError: a setting is negative.
    """

def differing_fields(broker: ArrowStream, book: ArrowStream, pairs: ArrowStream) -> RecordBatch:
    """
    Say per pair which of `FIELDS` differ.

    Args:
        broker: schema `ORDER` (tieout.schema), in one record batch.
        book: the same.
        pairs: broker, book: UInt32 row numbers, in one record batch.

    Returns:
        mask: UInt16, bit i for `FIELDS[i]`, in the order of the pairs.

    Raises:
        ValueError: a column is missing; more than one record batch; a row that a side does not have.
        TypeError: a column is of another type.
    """
