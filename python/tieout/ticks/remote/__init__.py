"""Ticks beyond one process: handed to NATS JetStream, and taken from it, with an account from end to end."""

from tieout.ticks.remote.account import Account
from tieout.ticks.remote.subscription import Subscription

__all__ = ["Account", "Subscription"]
