"""
The Rust kernel (rust/core, through rust/py). Frames cross as Arrow's PyCapsules, without a copy.

Only tieout.reconcile.match, tieout.reconcile.diff and tieout.gate.fingerprint call this; they check what goes in.
"""

from collections.abc import Sequence
from typing import Final, Protocol, final, type_check_only

__all__ = [
    "CANDIDATES_NAMED_MAX",
    "FIELDS",
    "FINGERPRINT_BOOLS",
    "FINGERPRINT_INTS",
    "FINGERPRINT_TEXTS",
    "differing_fields",
    "match_orders",
    "order_fingerprint",
    "order_fingerprints",
]

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

FINGERPRINT_TEXTS: Final[tuple[str, ...]]
"""An order's fields that are texts, as a fingerprint takes them."""

FINGERPRINT_INTS: Final[tuple[str, ...]]
"""Those that are whole numbers: ids, and counts of 1e-8."""

FINGERPRINT_BOOLS: Final[tuple[str, ...]]
"""Those that are true or false."""

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

def order_fingerprint(
    texts: Sequence[str | None], ints: Sequence[int | None], bools: Sequence[bool]
) -> tuple[bytes, bytes]:
    """
    One order's fingerprint, and the encoding that it is of.

    Args:
        texts: the values of `FINGERPRINT_TEXTS`, in that order.
        ints: of `FINGERPRINT_INTS`.
        bools: of `FINGERPRINT_BOOLS`.

    Returns:
        16 bytes, XXH3-128 of the encoding; the encoding, which no order with other fields has.

    Raises:
        ValueError: too few values or too many.
        TypeError: a value is of another type.
        OverflowError: a number is wider than 64 bits.
    """

def order_fingerprints(orders: ArrowStream) -> RecordBatch:
    """
    The fingerprint of each row.

    Args:
        orders: columns as the three tuples name them (text, Int64, Boolean without nulls), in one record batch.

    Returns:
        fingerprint: Binary of 16 bytes, in the order of the rows.

    Raises:
        ValueError: a column is missing; more than one record batch.
        TypeError: a column is of another type.
    """
