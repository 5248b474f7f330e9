"""
The Rust kernel (rust/core, through rust/py). Frames cross as Arrow's PyCapsules, without a copy.

Only tieout.reconcile.match, tieout.reconcile.diff, tieout.diffing.kernel and tieout.gate.fingerprint call this; they
check what goes in.
"""

from collections.abc import Sequence
from typing import Final, Protocol, final, type_check_only

__all__ = [
    "CANDIDATES_NAMED_MAX",
    "FIELDS",
    "FINGERPRINT_BOOLS",
    "FINGERPRINT_INTS",
    "FINGERPRINT_TEXTS",
    "Diff",
    "Differ",
    "TickDecoder",
    "TickRing",
    "differing_fields",
    "key_parts",
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

    @property
    def num_rows(self) -> int:
        """How many rows."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...

@final
@type_check_only
class Table:
    """Record batches of Arrow columns; `polars.DataFrame(table)` takes them over."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

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

@final
class Differ:
    """
    Threads and memory for one bulk diff after the other; the rules are those of rust/core/src/bulk/mod.rs.

    A second call of about the same size takes no new memory from the system. Safe to share between threads: calls wait
    for one another.
    """

    def __new__(cls, threads: int = 0, *, wide: bool = True) -> Differ:
        """
        Start the threads.

        Args:
            threads: how many; 0: one for each processor.
            wide: huge pages and stores around the cache; the answer is the same without.

        Raises:
            ValueError: the system has no such number of threads.
            OverflowError: the number is negative.
        """

    @property
    def threads(self) -> int:
        """How many threads there are."""

    def diff(
        self,
        left: ArrowStream,
        right: ArrowStream,
        *,
        keys: int,
        tolerances: Sequence[float | None] | None = None,
        list_equal: bool = True,
    ) -> Diff:
        """
        Split the rows of both sides into equal, changed, one side only, duplicate, and null key.

        Args:
            left: the key columns, then the compared ones (at most 64), in one record batch of at most 2^28 rows.
            right: the same columns at the same places; a column may have another width, scale, unit or text layout.
            keys: how many of them are the key.
            tolerances: for each compared column, how far apart floats may be, or None; without, bits must be equal.
            list_equal: whether equal pairs are listed; without, they are counted only.

        Raises:
            ValueError: more than one record batch; no key; too many columns or rows; a senseless tolerance.
            TypeError: a column that cannot be compared, or means something else on the other side.
            OverflowError: a number is negative.
        """

    def repeats(self, table: ArrowStream, *, keys: int) -> Repeats:
        """
        Find the rows that have the key of an earlier row; the rules are those of rust/core/src/bulk/repeats.rs.

        Args:
            table: the key columns, then those that rows of one key may differ in, in one record batch of at most 2^28
                rows.
            keys: how many of them are the key.

        Raises:
            ValueError: more than one record batch; no key; too many rows.
            TypeError: a column that cannot be compared.
            OverflowError: a number is negative.
        """

    def release(self) -> None:
        """Give the memory that is kept for the next call back to the system."""

@final
class Repeats:
    """The rows that are not the first of their key, and those without one; each list ascends by row."""

    def copies(self) -> RecordBatch:
        """row, of: UInt32; rows that equal an earlier row of their key, and the earliest such row."""

    def others(self) -> RecordBatch:
        """row, of: UInt32; rows that differ from every earlier row of their key, and the first row of that key."""

    def null(self) -> RecordBatch:
        """row: UInt32; rows with a null in their key."""

@final
class Diff:
    """
    Every row of both sides once.

    The pairs' order follows from the two frames alone, and is not that of the rows; lists of rows are ascending.
    """

    @property
    def equal_count(self) -> int:
        """How many pairs are equal."""

    @property
    def changed_count(self) -> int:
        """How many pairs differ."""

    @property
    def duplicate_keys(self) -> int:
        """How many keys occur more than once on a side."""

    def equal(self) -> Table:
        """left, right: UInt32 row numbers of equal pairs, if they were asked for."""

    def changed(self) -> Table:
        """left, right: UInt32; mask: UInt64, bit i for the compared column i."""

    def left_only(self) -> RecordBatch:
        """row: UInt32, rows whose key the right side does not have."""

    def right_only(self) -> RecordBatch:
        """row: UInt32, rows whose key the left side does not have."""

    def duplicate_left(self) -> RecordBatch:
        """row: UInt32, left rows whose key occurs more than once on a side."""

    def duplicate_right(self) -> RecordBatch:
        """row: UInt32, right rows whose key occurs more than once on a side."""

    def null_left(self) -> RecordBatch:
        """row: UInt32, left rows with a null in their key."""

    def null_right(self) -> RecordBatch:
        """row: UInt32, right rows with a null in their key."""

def key_parts(keys: ArrowStream, *, parts: int) -> tuple[RecordBatch, list[int]]:
    """
    Split rows by the hash of their key, for comparing part by part.

    The part of a key depends on its values and on `parts` alone: not on the side, nor on width, scale, unit or layout.

    Args:
        keys: the key columns of one side, in one record batch.
        parts: how many, at least 1.

    Returns:
        row: UInt32, all rows, part after part, ascending within each; where each part starts, and the last one's end.
        Rows with a null key are in part 0.

    Raises:
        ValueError: no column; no parts; more than one record batch; too many rows.
        TypeError: a column that cannot be compared.
        OverflowError: the number is negative.
    """

@final
class TickDecoder:
    """
    Decode one connection's bytes; tieout.ticks.TickDecoder is its face, and docs/wire.md has the records.

    Args:
        server_version: the gateway's, 157 to 178.
        hand_on: ids of tick messages that are handed on instead of decoded.

    Raises:
        ValueError: another server version; an id that is no tick message's.
        OverflowError: a number that is negative or has more than 32 bits.
    """

    def __new__(cls, server_version: int, hand_on: Sequence[int]) -> TickDecoder: ...
    def feed(
        self, data: bytes | bytearray, received_ns: int | None = None
    ) -> tuple[RecordBatch, list[bytes], str | None]:
        """
        Decode the next bytes of the stream, read at `received_ns` (UTC nanoseconds; None is now).

        Returns:
            instrument: UInt32; kind, field: UInt8; price, size, exchange_ns: Int64, nullable; received_ns: Int64;
            sequence: UInt64; extra_0, extra_1: UInt64, nullable; flags: UInt16. Then the other messages, whole frames
            in order; then what broke the stream, on this call and on all that follow.

        Raises:
            TypeError: no bytes.
            RuntimeError: another thread is feeding this decoder.
        """

    def pending_bytes(self) -> int:
        """How many bytes wait for the rest of their message."""

    def account(self) -> dict[str, int]:
        """frames, decoded, ticks, handed_on, beyond, malformed: counts since the start."""

    def malformed(self) -> dict[int, int]:
        """Message id -> how many were malformed, ascending."""

    def last_malformed(self) -> tuple[int, str, bytes] | None:
        """Of the last malformed message: its id, what is wrong, and the first 256 bytes of its body."""

@final
class TickRing:
    """A bounded ring of ticks; tieout.ticks.ring has the contract. Any thread may use either end."""

    def __new__(cls, capacity: int, *, policy: str, drop_count: int, instruments: int) -> TickRing:
        """
        Take the memory.

        Raises:
            ValueError: a number out of its range, or no such policy.
            OverflowError: a number that is negative or too wide.
            MemoryError: there is no memory for it.
        """

    def push(
        self,
        instrument: int,
        kind: int,
        field: int,
        price: int | None = None,
        size: int | None = None,
        *,
        exchange_ns: int | None = None,
        received_ns: int | None = None,
        extra_0: int | None = None,
        extra_1: int | None = None,
        flags: int = 0,
    ) -> int:
        """Push one tick; how many were lost by it. The lock is released only to wait for another thread's push."""

    def push_batch(
        self, ticks: object, *, instrument_base: int = 0, instrument_end: int = ..., renumber: bool = False
    ) -> int:
        """
        Push Arrow rows, or bytes of whole records; how many ticks were lost by it. The lock is released.

        Of bytes only `instrument_base` is looked at.
        """

    def drain(self, max_rows: int) -> RecordBatch:
        """The oldest ticks that wait, at most so many, in the columns of `TickDecoder.feed`. The lock is released."""

    def stats(self) -> tuple[dict[str, int], dict[int, int], int, int]:
        """Account; losses by instrument; losses of unlisted instruments; nanoseconds full."""

    def lost_of(self, instrument: int) -> int:
        """How many ticks of one instrument were lost."""
