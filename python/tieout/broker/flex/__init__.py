"""
Flex statements: the broker's own word on past days, kept and read again at every stage.

    read        bytes -> a checked document (ibflex does the parsing)
    fields      which of its fields are read
    rows        its trades -> schema `FLEX_EXECUTION`
    times       its wall-clock texts -> UTC
    keep        data/flex: the files that were taken, each under its SHA-256
    service     the Flex Web Service: SendRequest, GetStatement
"""

from __future__ import annotations

from tieout.broker.flex.keep import Kept, forget, keep, kept_files, kept_statements
from tieout.broker.flex.read import Document, Reading, read_statement
from tieout.broker.flex.service import FlexService

__all__ = [
    "Document",
    "FlexService",
    "Kept",
    "Reading",
    "forget",
    "keep",
    "kept_files",
    "kept_statements",
    "read_statement",
]
