"""
The Flex Web Service, version 3: SendRequest gives a reference code, GetStatement the statement once it is made.

1. Nothing is asked for ever: one limit on the whole, one on each request, pauses that double up to one minute.
2. 1019 (in progress) and its like are waited for; 1018 (throttled) is waited for longer; 1003 (not available) a few
   times, since it also means that there is nothing yet. Any other error ends it.
3. The token is in no message, log or file. It goes to the address of the settings and nowhere else: the address that
   the service's answer names is not followed, nor is a redirect.

Source: IB's Flex Web Service guide (error codes, User-Agent, one request a second and ten a minute).
"""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage
from typing import IO, Final
from xml.etree import ElementTree as ET

from tieout.broker.flex.read import SIZE_BYTES_MAX
from tieout.errors import FlexUnavailable

_MAKING: Final = frozenset({"1001", "1004", "1005", "1006", "1007", "1008", "1009", "1019", "1021"})
"""The statement is being made, or the service is busy: try again shortly."""
_THROTTLED: Final = "1018"
_UNAVAILABLE: Final = "1003"
UNAVAILABLE_TRIES_MAX: Final = 4
USER_AGENT: Final = "tieout/1"
"""The service refuses a request without one."""
PAUSE_S_MAX: Final = 60.0
THROTTLED_FACTOR: Final = 2
"""A throttled token pauses this many times longer."""

_HINTS: Final = {
    "1003": "the day's statement may not be made yet (T+1), or the query's period holds none: try later",
    "1010": "the query is a legacy one: make it again as an Activity Flex Query",
    "1011": "activate the Flex Web Service in Client Portal: Settings, Flex Web Service",
    "1012": "the token has expired: make a new one in Client Portal (Settings, Flex Web Service)",
    "1013": "the token is bound to another IP address: make one without, or fetch from that address",
    "1014": "the query id is wrong: it is behind the info icon beside the saved query; set FLEX.query_id",
    "1015": "the token is wrong: copy it again from Client Portal (Settings, Flex Web Service)",
    "1018": "the token was used too often: at most once a second and ten times a minute; try later",
    "1020": "check the token and FLEX.query_id",
}


@dataclass(frozen=True, slots=True)
class FlexService:
    """
    Where the service is, and how long it is waited for.

    `pause_s` is the first pause between two questions, `timeout_s` the most that all of it may take, `request_s` the
    most for one request.
    """

    base_url: str
    token: str = field(repr=False)
    pause_s: float = 5.0
    timeout_s: float = 300.0
    request_s: float = 30.0
    told: Callable[[str], None] = lambda line: None

    def fetch(self, query_id: str) -> bytes:
        """
        The statement of a saved query, as the service gives it.

        Raises:
            FlexUnavailable: it refused, did not answer, or took too long.
        """
        deadline = time.monotonic() + self.timeout_s
        answer = self._until("SendRequest", query_id, deadline)
        reference = _text(answer, "ReferenceCode")
        if not reference:
            raise FlexUnavailable(
                "the Flex service accepted the request and named no reference code",
                hint="try again; nothing was kept",
            )
        self.told("the statement was asked for")
        return self._until("GetStatement", reference, deadline)

    def _until(self, call: str, query: str, deadline: float) -> bytes:
        """Ask until there is an answer that is none of the waiting errors."""
        pause, unavailable = self.pause_s, 0
        while True:
            answer, why = self._once(call, query, deadline)
            if answer is not None:
                code = _code(answer)
                if code is None:
                    return answer
                unavailable += code == _UNAVAILABLE
                if not _again(code) or unavailable >= UNAVAILABLE_TRIES_MAX:
                    raise _refused(code, answer)
                why = f"error {code}: {_text(answer, 'ErrorMessage') or 'no text'}"
                pause = max(pause, self.pause_s * THROTTLED_FACTOR) if code == _THROTTLED else pause
            if time.monotonic() + pause > deadline:
                raise FlexUnavailable(
                    f"the Flex service gave no statement within {self.timeout_s:g} s; the last word was: {why}",
                    hint="try again later, or raise FLEX.timeout_seconds; nothing was kept",
                )
            self.told(f"{call}: {why}; asking again in {pause:g} s")
            time.sleep(pause)
            pause = min(pause * 2, max(PAUSE_S_MAX, self.pause_s))

    def _once(self, call: str, query: str, deadline: float) -> tuple[bytes | None, str]:
        """One request: its body, or why there is none this time."""
        words = urllib.parse.urlencode({"t": self.token, "q": query, "v": "3"})
        request = urllib.request.Request(
            f"{self.base_url.rstrip('/')}/{call}?{words}", headers={"User-Agent": USER_AGENT}
        )
        limit_s = max(0.1, min(self.request_s, deadline - time.monotonic()))
        try:
            with urllib.request.build_opener(_NoRedirect).open(request, timeout=limit_s) as response:
                data: bytes = response.read(SIZE_BYTES_MAX + 1)
        except urllib.error.HTTPError as error:
            with error:
                if error.code < 500 and error.code != 429:
                    raise FlexUnavailable(
                        f"the Flex service answered HTTP {error.code} to {call}; expected a statement",
                        hint="check FLEX.base_url; nothing was kept",
                    ) from None
                return None, f"HTTP {error.code}"
        except (urllib.error.URLError, HTTPException, OSError) as error:
            return None, f"no answer ({getattr(error, 'reason', None) or type(error).__name__})"
        return data, ""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to an address that nobody set."""

    def redirect_request(  # noqa: PLR0917 - its signature is urllib's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def _again(code: str) -> bool:
    return code in _MAKING or code in {_THROTTLED, _UNAVAILABLE}


def _refused(code: str, answer: bytes) -> FlexUnavailable:
    said = _text(answer, "ErrorMessage") or "no text"
    return FlexUnavailable(
        f"the Flex service refused: error {code}: {said}",
        hint=f"{_HINTS.get(code, 'see the error codes of the Flex Web Service guide')}; nothing was kept",
    )


def _code(answer: bytes) -> str | None:
    """The error code of a refusal or of a wait; None where the answer is neither."""
    root = _response(answer)
    if root is None or (root.findtext("Status") or "").strip() == "Success":
        return None
    return (root.findtext("ErrorCode") or "").strip() or "none"


def _text(answer: bytes, name: str) -> str:
    root = _response(answer)
    return "" if root is None else (root.findtext(name) or "").strip()


def _response(answer: bytes) -> ET.Element | None:
    """The service's own word; None where the answer is a statement, or anything else."""
    if b"<FlexStatementResponse" not in answer[:1_000]:
        return None
    try:
        return ET.fromstring(answer)
    except ET.ParseError as error:
        raise FlexUnavailable(
            f"the Flex service's answer breaks off: {error}", hint="try again; nothing was kept"
        ) from error
