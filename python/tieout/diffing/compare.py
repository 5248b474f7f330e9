"""A diff from two sources to its result: plan, read, compare by the kernel; by parts on disk where memory is short."""

from __future__ import annotations

from dataclasses import replace

from tieout.diffing.agreement import wider
from tieout.diffing.kernel import Differ
from tieout.diffing.loading import GuessWrong, Wanted, load, refuse_null_keys
from tieout.diffing.memory import Meter, Outgrown, available, half_of_free
from tieout.diffing.options import Notice, Options, Progress
from tieout.diffing.parts import compare_part
from tieout.diffing.planning import Plan, plan
from tieout.diffing.result import DiffResult, Sample
from tieout.diffing.source import Source
from tieout.diffing.spill import Sides, Spill, compare_spilled
from tieout.errors import SchemaMismatch


def compare(left: Source, right: Source, options: Options, *, progress: Progress, notice: Notice) -> DiffResult:
    """
    Compare two sides by key.

    Raises:
        SchemaMismatch: they cannot be compared as asked; nothing was read yet, unless a format has no types.
        InputUnusable: a side cannot be read, holds a value that is not what it should be, or changed meanwhile.
        UsageError: the memory limit is too low, or there is no such spill folder.
        DiskError: they need more than memory, and the spill folder has no room.
    """
    room = available(options.memory_limit or half_of_free())
    one_in = _one_in(left, right, options.sample)
    with Spill(left, right, options, available=room) as spill:
        guesses = spill.guesses()
        while True:
            agreed = plan(left, right, options, guesses=guesses)
            wanted = Wanted("left", agreed.left, agreed.keys, options.null_keys == "error", one_in)
            sides = ((left, wanted), (right, replace(wanted, word="right", columns=agreed.right)))
            for source, columns in sides:
                refuse_null_keys(source, columns)
            try:
                if spill.folder is not None:
                    return compare_spilled(
                        sides, agreed, options, folder=spill.folder, available=room, progress=progress, notice=notice
                    )
                meter = Meter(room, (left.rows, right.rows), 1 / one_in)
                return _in_memory(sides, agreed, options, meter=meter, progress=progress)
            except GuessWrong as wrong:
                guesses[wrong.name] = wider(wrong.dtype, key=wrong.name in options.keys)
                spill.start_again(guesses)
            except Outgrown as outgrown:
                spill.lay_out(outgrown.sizes, guesses)


def _in_memory(sides: Sides, agreed: Plan, options: Options, *, meter: Meter, progress: Progress) -> DiffResult:
    (left, wanted), (right, also_wanted) = sides
    loaded = (load(left, wanted, progress, meter), load(right, also_wanted, progress, meter))
    left.check()
    frames = (loaded[0].frame, loaded[1].frame)
    progress("comparing", 0, None)
    found = compare_part(*frames, agreed, options=options, differ=Differ(options.threads))
    progress("comparing", frames[0].height + frames[1].height, None)
    sample = Sample(wanted.one_in, loaded[0].rows_read, loaded[1].rows_read) if wanted.one_in > 1 else None
    return DiffResult(
        names=(left.name, right.name), plan=agreed, counts=found.figures.counts, fields=found.figures.fields,
        tables=found.tables, sample=sample,
    )  # fmt: skip


def _one_in(left: Source, right: Source, sample: int | None) -> int:
    """One key of so many is taken, for about `sample` keys of the larger side."""
    if sample is None:
        return 1
    if sample < 1:
        raise SchemaMismatch(f"a sample of {sample} keys; at least 1", hint="say how many keys to compare")
    known = max(left.rows or 0, right.rows or 0)
    return max(1, known // sample)
