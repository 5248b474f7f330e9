"""What an instrument's number stands for: numbers are small and dense, and a recording carries the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tieout.broker.port import ContractSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Instrument:
    """An instrument whose ticks come: its number in the ring and in frames, and the contract behind it."""

    number: int
    contract: ContractSpec

    @property
    def name(self) -> str:
        """What a reader knows it by: the local symbol (ESZ6), else the symbol, else the contract's id."""
        found = self.contract.local_symbol or self.contract.symbol or self.contract.con_id
        return str(self.number) if found is None else str(found)


def identity(contract: ContractSpec) -> object:
    """What makes two descriptions the same instrument: IB's id where it is known, else all that was said."""
    return contract if contract.con_id is None else contract.con_id


class Instruments:
    """
    The instruments of one feed, by number from 0 on.

    Raises:
        ValueError: the numbers are not 0, 1, 2, ... in this order.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        if any(one.number != at for at, one in enumerate(instruments)):
            raise ValueError("instruments are numbered from 0 on, without a gap")
        self._all = tuple(instruments)

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._all)

    def __getitem__(self, number: int) -> Instrument:
        return self._all[number]

    def of(self, number: int) -> Instrument:
        """The instrument of that number; one that is not in the table has no contract, and its number for a name."""
        return self._all[number] if number < len(self._all) else Instrument(number, ContractSpec())
