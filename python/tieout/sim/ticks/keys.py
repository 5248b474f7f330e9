"""The keys of `ticks` in a scenario, as strict models; `tieout.sim.scenario` documents them for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tieout.sim.scenario_types import Moment, Positive
from tieout.sim.ticks.market import MarketKind

RATE_MAX: Final = 1_000_000
SPEED_MAX: Final = 1_000_000
MS_MAX: Final = 600_000
_OF_A_FILE: Final = frozenset({"file", "repeat", "kind", "subscribed"})

Rate = Annotated[Positive, Field(le=RATE_MAX)]
Percent = Annotated[int, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BurstKeys(_Strict):
    """When more happens than usual."""

    every_s: Positive
    for_s: Positive
    times: Rate

    @model_validator(mode="after")
    def _fits(self) -> BurstKeys:
        if self.for_s >= self.every_s:
            raise ValueError(f"`for_s` is {self.for_s}, expected less than `every_s`, which is {self.every_s}")
        return self


class MarketKeys(_Strict):
    """One instrument's market."""

    rate: Rate = Decimal(100)
    price: Positive | None = None
    spread: Count = 1
    sizes: Count = 50
    trades: Percent = 20
    unreported: Percent = 0
    reach: Count = 400
    burst: BurstKeys | None = None
    file: Annotated[str, Field(min_length=1)] | None = None
    repeat: bool = False
    kind: MarketKind = "live"
    subscribed: bool = True

    @model_validator(mode="after")
    def _one_source(self) -> MarketKeys:
        odd = sorted(self.model_fields_set - _OF_A_FILE)
        if self.file is not None and odd:
            raise ValueError(f"has a `file`, which says everything that {odd[0]!r} could say")
        if self.repeat and self.file is None:
            raise ValueError("`repeat` is for a `file`")
        return self


class MarketFaultKeys(_Strict):
    """Something that goes wrong once."""

    do: Literal["silence", "lose_link", "cut"]
    contract: str
    after: Annotated[int, Field(ge=0)]
    ms: Annotated[int, Field(ge=0, le=MS_MAX)] = 0
    back: Literal[1101, 1102] | None = None

    @model_validator(mode="after")
    def _fits(self) -> MarketFaultKeys:
        if (self.do == "lose_link") != (self.back is not None) or (self.back is not None and not self.ms):
            raise ValueError("a `lose_link`, and only that, has `back`, and with it `ms`")
        if self.do == "cut" and self.ms:
            raise ValueError("a `cut` has no `ms`")
        return self


class TickKeys(_Strict):
    """The whole block."""

    seed: int | None = None
    speed: Annotated[Positive, Field(le=SPEED_MAX)] | Literal["full"] = Decimal(1)
    starts_at: Moment | None = None
    lines: Count = 100
    by_tick_lines: Count = 5
    markets: Annotated[dict[str, MarketKeys], Field(min_length=1)]
    faults: list[MarketFaultKeys] = []
