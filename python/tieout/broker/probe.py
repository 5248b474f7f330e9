"""Who is on that port: what an attempt to log on saw, and how to say it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from tieout.broker.port import BrokerSettings
from tieout.errors import GatewayUnreachable

MIN_SERVER_VERSION: Final = 157
_HANDSHAKE_MAX_LENGTH: Final = 200

_START: Final = (
    "Start TWS or IB Gateway and log in, enable 'ActiveX and Socket Clients' in its API settings, and check "
    "BROKER.host and BROKER.port with them (TWS: 7496 live, 7497 paper; Gateway: 4001 live, 4002 paper)."
)
_WRONG_PORT: Final = "Another program listens there. " + _START


@dataclass(slots=True)
class Attempt:
    """What was seen while connecting."""

    connected: bool = False
    first_bytes: bytes = b""
    garbage: str | None = None

    @property
    def garbled(self) -> bool:
        """Whether the first message already cannot be a handshake: its length is absurd."""
        head = self.first_bytes[:4]
        return len(head) == 4 and int(struct.unpack(">I", head)[0]) > _HANDSHAKE_MAX_LENGTH

    @property
    def handshake(self) -> tuple[int, str] | None:
        """Server version and the gateway's time, from the first message; None where it is something else."""
        if len(self.first_bytes) < 4:
            return None
        (length,) = struct.unpack(">I", self.first_bytes[:4])
        fields = self.first_bytes[4 : 4 + length].decode(errors="replace").split("\0")
        if self.garbled or len(self.first_bytes) < 4 + length or len(fields) != 3:
            return None
        return (int(fields[0]), fields[1]) if fields[0].isdigit() else None


def unreachable(
    settings: BrokerSettings, attempt: Attempt, *, error: BaseException | None, closed_why: str | None
) -> GatewayUnreachable:
    """The error that tells what was found at the address instead of a gateway that lets us in."""
    where, waited = f"{settings.host}:{settings.port}", f"{settings.timeout_s:g} s"
    handshake = attempt.handshake
    if not attempt.connected:
        if isinstance(error, OSError) and not isinstance(error, TimeoutError):
            reason = (
                "refused the connection"
                if isinstance(error, ConnectionRefusedError)
                else f"cannot be reached ({error})"
            )
            return GatewayUnreachable(f"No gateway at {where}: it {reason}.", hint=_START)
        return GatewayUnreachable(f"No gateway at {where}: no connection within {waited}.", hint=_START)
    if not attempt.first_bytes:
        if closed_why is not None:
            return GatewayUnreachable(
                f"{where} closed the connection before the API handshake.",
                hint="TWS does that to addresses that are not among its trusted IPs. " + _START,
            )
        return GatewayUnreachable(
            f"{where} accepted the connection but did not answer the API handshake within {waited}.",
            hint="TWS may be waiting for a click on its 'accept incoming connection' question. " + _START,
        )
    if handshake is None:
        return GatewayUnreachable(f"{where} does not speak the IB API: it answered something else.", hint=_WRONG_PORT)
    if handshake[0] < MIN_SERVER_VERSION:
        return GatewayUnreachable(
            f"The gateway at {where} speaks API version {handshake[0]}; {MIN_SERVER_VERSION} is the least.",
            hint="Update TWS or IB Gateway.",
        )
    if attempt.garbage is not None:
        return GatewayUnreachable(f"{where} does not speak the IB API ({attempt.garbage}).", hint=_WRONG_PORT)
    how = "closed the connection during the logon" if closed_why else f"did not finish the logon within {waited}"
    return GatewayUnreachable(
        f"The gateway at {where} (API version {handshake[0]}) {how}.",
        hint="Look whether it is logged in to IB, and at the messages in its own window.",
    )
