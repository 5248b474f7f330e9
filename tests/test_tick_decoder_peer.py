"""The same bytes through ib_async and through the decoder give the same ticks, for every kind, version and split."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tick_calls import client_calls, parsed_rt_volume, record_calls
from tick_wire import KINDS, VERSIONS, frame, streams
from tieout.ticks import TickDecoder


def ours(pieces: list[bytes], version: int) -> list[tuple[object, ...]]:
    decoder = TickDecoder(version)
    return record_calls([decoder.feed(piece) for piece in pieces])


def theirs(pieces: list[bytes], version: int) -> list[tuple[object, ...]]:
    return [parsed_rt_volume(call) for call in client_calls(pieces, version)]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), version=st.sampled_from(VERSIONS))
def test_each_kind_gives_the_same_ticks(kind: str, data: st.DataObject, version: int) -> None:
    frames = [frame(*data.draw(KINDS[kind])) for _ in range(data.draw(st.integers(1, 3)))]
    assert ours(frames, version) == theirs(frames, version)


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=15, deadline=None)
@given(frames=streams(other_messages=False), data=st.data())
def test_every_version_and_split_gives_the_same_ticks(version: int, frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert ours(pieces, version) == theirs([stream], version)


@settings(max_examples=100, deadline=None)
@given(frames=streams())
def test_what_is_handed_on_gives_the_client_the_rest(frames: list[bytes]) -> None:
    rest: list[bytes] = []
    decoder = TickDecoder(176, on_other=rest.append)
    ticks = record_calls([decoder.feed(b"".join(frames))])
    expected = theirs(frames, 176)
    others = theirs(rest, 176)
    names = {"nextValidId", "managedAccounts", "currentTime", "tickSnapshotEnd", "marketDataType", "tickNews"}
    assert ticks == [call for call in expected if call[0] not in names]
    assert others == [call for call in expected if call[0] in names]
