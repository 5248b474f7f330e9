"""The block `FLEX`: where statements of past days come from. The token is no setting: it is in the environment."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from tieout.config.blocks import Block, Seconds, Zone

ENV_TOKEN: Final = "TIEOUT_FLEX_TOKEN"
"""The environment variable that holds the Flex Web Service token."""
BASE_URL: Final = "https://ndcdyn.interactivebrokers.com/AccountManagement/FlexWebService"


def _query_id(value: str) -> str:
    if not (value.isascii() and value.isdecimal()):
        raise ValueError("a Flex query's id in quotes, digits only, or null")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ValueError("an https address (the token travels in it)")
    if not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("an https address without user, query or fragment")
    return value


class Flex(Block):
    """
    `FLEX`: the saved query that `tieout flex fetch` asks for, and how times in a statement are read.

    `time_zone` is that of times without a zone; IB's reports are in New York time. `pause_seconds` is the first pause
    between two questions, doubled each time; `timeout_seconds` the most that a fetch may take.
    """

    query_id: Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_query_id)] | None = None
    time_zone: Zone = "America/New_York"
    pause_seconds: Seconds = 5.0
    timeout_seconds: Seconds = 300.0
    base_url: Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_url)] = BASE_URL
