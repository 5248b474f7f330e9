"""A diff on an engine, from its start to its result: the same plan, the same parts, the same sums."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

import polars as pl

from tieout.diffing.cluster import engine, storage, tasks
from tieout.diffing.cluster.listing import Listing, list_side
from tieout.diffing.cluster.tables import WorkerRows
from tieout.diffing.elsewhere import TablesElsewhere
from tieout.diffing.kernel import Differ
from tieout.diffing.options import Options, Progress
from tieout.diffing.parts import Figures, PartFound, compare_part, total
from tieout.diffing.planning import Plan, plan
from tieout.diffing.result import DiffResult
from tieout.diffing.source import Source, of_lazy
from tieout.diffing.tables import Kind
from tieout.errors import SchemaMismatch, UsageError
from tieout.files import pretty_json

if TYPE_CHECKING:
    from distributed import Client, Future

ROWS_PER_PART: Final = 1 << 21
"""Rows of both sides that a part has, about."""
ROWS_MAX: Final = 1 << 32
"""Rows of a side: a place has 32 bits."""


def compare_on_cluster(
    left: object, right: object, options: Options, *, scheduler: str, progress: Progress, out_folder: str | None = None
) -> DiffResult:
    """
    Compare two sides of Parquet files by the workers of a Dask scheduler.

    A worker that goes away costs the work it had done: the engine does that again elsewhere. Where workers go away
    again and again, it gives up.

    Args:
        left, right: folders, globs or addresses of Parquet files.
        options: what is compared, and how.
        scheduler: the address of the scheduler.
        progress: told what is done.
        out_folder: workers write what differs there: files KIND-PART.parquet, each ascending by `place`, the row's
            number in its side; `_summary.json` comes last.

    Raises:
        EngineUnusable: the engine is not installed, is not reached, its workers have other versions, or it gave up.
        InputUnusable: a side is no Parquet, cannot be read here or by a worker, or holds what it should not.
        SchemaMismatch: the sides cannot be compared as asked.
        UsageError: a sample is asked for, or the folder to write to is not empty.
        DiskError: what differs cannot be written.
    """
    if options.sample is not None:
        raise UsageError("a sample beside an engine", hint="look at a sample without --engine, or compare all with it")
    sides = (list_side(left, "left"), list_side(right, "right"))
    agreed = plan(_source(sides[0]), _source(sides[1]), options)
    for side in sides:
        if side.rows >= ROWS_MAX:
            raise SchemaMismatch(
                f"{side.name} has {side.rows:,} rows; fewer than {ROWS_MAX:,}", hint="diff it in pieces"
            )
    nothing = _nothing(agreed, options)
    with ExitStack() as stack:
        client = stack.enter_context(engine.connected(scheduler))
        with engine.staying(scheduler):
            if out_folder is not None:
                storage.prepare(out_folder)
            engine.check_versions(client)
            engine.check_readable(client, [side.files[0] for side in sides if side.files])
            threads = sum(client.nthreads().values())
            parts = max(2 * threads, -(-sum(side.rows for side in sides) // ROWS_PER_PART))
            answers = _answers(client, sides, tasks.Work(agreed, options, parts))
            indexes = _collected(client, answers, sides, progress)
            if out_folder is not None:
                progress("writing", 0, None)
                client.gather(
                    [client.submit(tasks.write, one, out_folder, part, pure=False) for part, one in enumerate(answers)]
                )
        figures = total([nothing.figures, *(told for told, _ in indexes)])
        found = [(answer, pieces) for answer, (_, pieces) in zip(answers, indexes, strict=True)]
        rows = WorkerRows(client, scheduler, found, agreed)
        tables = TablesElsewhere(rows.read, empty=nothing.tables, leave=stack.pop_all().close)
    result = DiffResult(
        names=(sides[0].name, sides[1].name), plan=agreed, counts=figures.counts,
        fields={name: figures.fields.get(name, 0) for name in agreed.fields}, tables=tables,
    )  # fmt: skip
    if out_folder is not None:
        storage.put(out_folder, storage.DONE, pretty_json(result.to_json()))
    return result


def _answers(client: Client, sides: tuple[Listing, Listing], work: tasks.Work) -> list[Future]:
    """
    The graph: pieces dealt out, parts taken from each, compared.

    Every task carries what it needs to know: data that was handed to the workers once could not be made anew.
    """
    dealt = [
        [client.submit(tasks.deal, piece, word, work, pure=False) for piece in side.pieces]
        for side, word in zip(sides, ("left", "right"), strict=True)
    ]
    answers = []
    for part in range(work.parts):
        left, right = ([client.submit(tasks.take, one, part, pure=False) for one in side] for side in dealt)
        answers.append(client.submit(tasks.compare, left, right, work, pure=False))
    return answers


def _collected(
    client: Client, answers: list[Future], sides: tuple[Listing, Listing], progress: Progress
) -> list[tuple[Figures, dict[Kind, int]]]:
    """Figures and pieces of each part, as they come."""
    from distributed import as_completed

    rows = sum(side.rows for side in sides)
    told = {client.submit(tasks.Answer.index, answer, pure=False): at for at, answer in enumerate(answers)}
    found: dict[int, tuple[Figures, dict[Kind, int]]] = {}
    progress("comparing", 0, rows)
    try:
        for future in as_completed(list(told), loop=client.loop):
            found[told[future]] = future.result()
            progress("comparing", rows * len(found) // len(answers), rows)
    except KeyboardInterrupt:
        client.cancel(answers, force=True)
        raise
    return [found[at] for at in range(len(answers))]


def _source(side: Listing) -> Source:
    """What the plan looks at: names and types."""
    return of_lazy(side.name, pl.LazyFrame(schema=side.columns))


def _nothing(agreed: Plan, options: Options) -> PartFound:
    """What no rows come to: figures with all their names, frames with all their columns."""
    left, right = (tasks.no_rows(agreed, side) for side in (agreed.left, agreed.right))
    return compare_part(left, right, agreed, options=options, differ=Differ(1), placed=True)
