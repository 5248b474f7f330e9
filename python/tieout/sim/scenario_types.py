"""The kinds of values in a scenario: decimals digit for digit, moments, ids."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from tieout.fixed import to_e8

_RELATIVE: Final = re.compile(r"-\d+[smhd]")
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)")


def _decimal(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f"found {value!r}, expected a decimal such as '6600.25'")
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if to_e8(number) is None if number.is_finite() else True:
        raise ValueError(f"found {value!r}, expected a decimal with at most 8 places, such as '6600.25'")
    return number


def _positive(value: Any) -> Any:
    number = _decimal(value)
    if number <= 0:
        raise ValueError(f"found {value!r}, expected more than 0")
    return number


def _moment(value: Any) -> Any:
    if not isinstance(value, str) or not (_RELATIVE.fullmatch(value) or _ISO.fullmatch(value)):
        raise ValueError(f"found {value!r}, expected '-90s', '-5m', '-2h', '-1d' or '2025-12-07T12:00:00Z'")
    return value


Number = Annotated[Decimal, BeforeValidator(_decimal)]
Positive = Annotated[Decimal, BeforeValidator(_positive)]
Moment = Annotated[str, BeforeValidator(_moment)]
Id = Annotated[int, Field(ge=0)]
