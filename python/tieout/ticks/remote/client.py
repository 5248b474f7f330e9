"""What publisher and subscriber share: NATS's own client, and an address that is told without its secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tieout.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from nats.aio.client import Client
    from nats.js import JetStreamContext

RECONNECT_WAIT_S: Final = 0.5
PING_EVERY_S: Final = 10

STREAM_BYTES_MAX: Final = 1 << 30
"""Of a stream that we make: older messages give way beyond it."""
COPIES_WINDOW_S: Final = 120.0
"""How long such a stream knows the ids of messages."""


def shown(address: str) -> str:
    """The address without user, password or token."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.hostname or ''}{'' if parts.port is None else f':{parts.port}'}"


def without_secrets(text: str, address: str) -> str:
    """The text with nothing of the address's user, password or token."""
    secret = urlsplit(address).netloc.rpartition("@")[0]
    for part in (secret, *secret.split(":")):
        text = text.replace(part, "***") if part else text
    return text


def words_of(error: BaseException, address: str) -> str:
    """What went wrong, without the address's secrets."""
    from nats.js.errors import ServiceUnavailableError

    if isinstance(error, ServiceUnavailableError):
        return "the server has no JetStream; it is started with -js, or with a jetstream block in its settings"
    told = without_secrets(str(error), address)
    return f"{type(error).__name__}: {told}" if told else type(error).__name__


def require_client() -> None:
    """
    Fails where NATS's client is not installed.

    Raises:
        UsageError: it is not.
    """
    try:
        import nats  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise UsageError(
            "ticks are handed over through NATS, and its client is not installed", hint="pip install 'tieout[nats]'"
        ) from error


async def connect(address: str, *, failed: Callable[[Exception], Awaitable[None]]) -> Client:
    """Connect, however long it takes; `failed` is told of every attempt that failed. It reconnects by itself."""
    import nats

    options: dict[str, Any] = {
        "error_cb": failed,
        "max_reconnect_attempts": -1,
        "reconnect_time_wait": RECONNECT_WAIT_S,
        "ping_interval": PING_EVERY_S,
        "max_outstanding_pings": 2,
        # Nothing is kept for a server that is away: what was not acknowledged is sent again, once.
        "pending_size": -1,
    }
    return await nats.connect(address, **options)


async def stream_of(streams: JetStreamContext, subject: str) -> str:
    """The stream that keeps the subject; one is made where there is none."""
    from nats.js import errors
    from nats.js.api import StreamConfig

    try:
        return str(await streams.find_stream_name_by_subject(subject))
    except errors.NotFoundError:
        config = StreamConfig(
            name=subject.replace(".", "_"), subjects=[subject],
            max_bytes=STREAM_BYTES_MAX, duplicate_window=COPIES_WINDOW_S,
        )  # fmt: skip
        made = await streams.add_stream(config)
        return str(made.config.name)
