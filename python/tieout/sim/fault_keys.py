"""The keys of `fault` and `faults` in a scenario, as strict models; `tieout.sim.scenario` documents them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tieout.sim.fault_rules import ID_FIELD, NAMES, Act, Rule
from tieout.sim.faults import AnswerName, CommissionConduct, Faults

DELAY_MS_MAX: Final = 600_000
COUNT_MAX: Final = 1_000_000

Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ConductKeys(_Strict):
    """What the gateway does wrong throughout."""

    silent: bool = False
    close_mid_answer: bool = False
    omit_end: list[AnswerName] = []
    read_only: bool = False
    busy_client_ids: list[Annotated[int, Field(ge=0)]] = []
    next_id: Annotated[int, Field(ge=1)] | None = None
    reuse_ids: bool = False
    fork_perm_id: bool = False
    bind_manual: bool = False
    keep_orders: bool = False
    execution_first: bool = False
    correct_fills: bool = False
    commissions: CommissionConduct = "at_once"
    late_reports: Annotated[int, Field(ge=0, le=COUNT_MAX)] = 0


class RuleKeys(_Strict):
    """What happens to single messages."""

    do: Act
    on: str
    nth: Count | None = None
    session: Count | None = None
    client: Annotated[int, Field(ge=0)] | None = None
    percent: Annotated[int, Field(ge=1, le=100)] = 100
    messages: Annotated[int, Field(ge=0, le=COUNT_MAX)] = 0
    ms: Annotated[int, Field(ge=0, le=DELAY_MS_MAX)] = 0
    code: Annotated[int, Field(ge=0)] = 0
    text: str = ""
    about: Literal["connection", "message"] = "connection"

    @model_validator(mode="after")
    def _fits_together(self) -> RuleKeys:
        if self.on not in NAMES:
            raise ValueError(f"`on` is {self.on!r}, expected one of {', '.join(NAMES)}")
        if (self.do == "delay") != bool(self.messages or self.ms) or (self.messages and self.ms):
            raise ValueError("a `delay`, and only a delay, has either `messages` or `ms`")
        if (self.do == "say") != bool(self.code):
            raise ValueError("a `say`, and only a say, has a `code`")
        if self.about == "message" and (self.do != "say" or self.on not in ID_FIELD):
            raise ValueError(f"`about: message` is for a `say` on one of {', '.join(ID_FIELD)}")
        return self


def _word(value: Any) -> Any:
    return {value: True} if isinstance(value, str) else value


Conduct = Annotated[ConductKeys, BeforeValidator(_word)]


def faults_of(conduct: ConductKeys, rules: list[RuleKeys], *, seed: int) -> Faults:
    """The faults that the keys ask for."""
    shared = conduct.model_dump(exclude={"omit_end", "busy_client_ids"})
    return Faults(
        omit_end=frozenset(conduct.omit_end),
        busy_client_ids=frozenset(conduct.busy_client_ids),
        rules=tuple(Rule(about_message=one.about == "message", **one.model_dump(exclude={"about"})) for one in rules),
        seed=seed,
        **shared,
    )
