"""Very many orders that look alike: one record, with the true number of possibilities, and as many as can be read."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from match_model import NS, matched, orders
from tieout.cli.resolve import match_lines
from tieout.cli.view import _undecided
from tieout.errors import UsageError
from tieout.reconcile.ambiguity import LISTED_MAX, undecided_orders
from tieout.reconcile.settle import Choices
from tieout.staging.resolve import Match, open_matches, pair_of
from tieout.store.resolutions import Resolution

ROWS = 1_500
BROKER = [{"perm_id": 1_000 + n} for n in range(ROWS)]
BOOK = [{"row": n} for n in range(ROWS)]


@pytest.fixture(scope="module")
def match(tmp_path_factory: pytest.TempPathFactory) -> Match:
    """The match as a stage writes it and `tieout resolve` reads it."""
    found = undecided_orders(matched(BROKER, BOOK).ambiguous, orders(*BROKER), orders(*BOOK))
    file: Path = tmp_path_factory.mktemp("logs") / "ambiguous_matches.json"
    file.write_text(json.dumps({"simulated": True, "ambiguous_matches": [one.to_json() for one in found]}))
    (only,) = open_matches(file)
    return only


def test_every_record_is_there_and_the_candidates_that_a_person_can_read(match: Match) -> None:
    assert (len(match.broker), len(match.book)) == (ROWS, ROWS)
    assert (len(match.candidates), match.possible) == (LISTED_MAX, ROWS * ROWS)


def test_what_is_printed_fits_a_screen_or_two_and_says_how_many_there_are(match: Match) -> None:
    shown = [text for text, _ in match_lines(match)]
    assert len(shown) < 1_500
    assert "candidate 1 of 2,250,000: broker #0, book #0" in shown
    assert shown[-1] == "... of 2,250,000; 1,024 are in logs/ambiguous_matches.json"
    entry = {
        "entity": "order", "match_id": match.match_id, "why": match.why, "broker": match.broker, "book": match.book,
        "candidates": match.candidates, "possible": match.possible,
    }  # fmt: skip
    listed = [text for text, _ in _undecided(entry)]
    assert len(listed) < 100
    assert "      ... and 1,460 more of the broker" in listed
    assert listed[-1].startswith("      2,250,000 pairs are possible, 1,024 are listed in the files")


def test_any_pair_of_a_match_that_is_not_listed_in_full_may_be_chosen(match: Match) -> None:
    assert pair_of(match, "2499", "1499") == (1_499, 1_499)
    with pytest.raises(UsageError, match=r"no record of the match has perm_id 7; .* and 1,480 more$"):
        pair_of(match, "7", "1")


def test_choices_among_very_many_are_followed(match: Match) -> None:
    def choice(at: int) -> Resolution:
        return Resolution(
            match_id=match.match_id, entity="order", account="DU1", choice="pair", broker=(match.broker[at],),
            book=(match.book[-1 - at],), by="me", reason="the log says so", at_ns=NS,
        )  # fmt: skip

    settled = Choices([choice(at) for at in range(300)]).settle("order", "DU1", broker=match.broker, book=match.book)
    assert {left: right for left, (right, _) in settled.pairs.items()} == {at: ROWS - 1 - at for at in range(300)}


def test_ten_billion_possible_pairs_are_counted() -> None:
    ambiguous = pl.DataFrame(
        {"group": 0, "broker": [0, 1], "book": [0, 0], "tier": 4, "reason": "signature_not_unique",
         "candidates": [4_000_000_000, 4_000_000_000]},
        schema_overrides={"candidates": pl.UInt32},
    )  # fmt: skip
    (found,) = undecided_orders(ambiguous, orders({}, {}), orders({}))
    assert found.possible == 8_000_000_000
