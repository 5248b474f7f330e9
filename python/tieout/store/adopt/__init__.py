"""
Adopting a book from before tieout: the old layout, where a reused order id overwrote the order before it.

`adopt_book` builds the adopted book in a new file and never writes into the old one; `inspect_layout` and
`is_old_layout` say what a file is. The steps, one file each:

    layout    what kind of file it is, and which columns it must have
    legacy    a private copy, its old tables set aside as `legacy_<name>`
    read      the old rows, as they stand
    times     naive and aware time texts
    split     which events belong to one order
    fills     which order an execution belongs to
    rebuild   the new rows
    write     the new tables filled, the identity and the report
    report    what was found and what is doubted

Invariants, each with a property test that names it:
1. every old row and value is found again, with its storage class, in `legacy_<name>`;
2. orders = PLACED events + ids with events before their first PLACED + ids without any PLACED;
3. at most one order of an id is live, and it is the one placed last;
4. every event and every execution is in the new book once;
5. the old file is not changed, and a second adoption changes nothing.
"""

from tieout.store.adopt.adopting import adopt_book
from tieout.store.adopt.layout import BookLayout, inspect_layout, is_old_layout
from tieout.store.adopt.report import AdoptReport, Doubt

__all__ = ["AdoptReport", "BookLayout", "Doubt", "adopt_book", "inspect_layout", "is_old_layout"]
