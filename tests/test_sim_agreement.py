"""Clients that nobody here wrote agree with the scenario, and so with each other, on all that they are told."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from agreement_support import CLIENTS, ES, TOLD, assert_book_at_the_broker, told_to

if TYPE_CHECKING:
    from pathlib import Path

LIBRARY = "ib_async" if find_spec("ib_async") else "ib_insync"
VERSION_MAX = {"ib_async": 178, "ib_insync": 176}[LIBRARY]
VERSIONS = [157, 158, 160, 162, 163, 164, 166, 170, 176, 177, 178]
"""Each at which a message that we speak gains or loses a field, and the libraries' own ends."""


@pytest.mark.parametrize("version", [one for one in VERSIONS if one <= VERSION_MAX])
def test_the_library_of_this_environment_agrees_at_each_version(version: int, tmp_path: Path) -> None:
    script = str(CLIENTS / "take_part.py")
    told, sim = told_to([sys.executable, script, "127.0.0.1", "{port}", LIBRARY, "7", str(ES)], tmp_path, version)
    assert told == TOLD | {"server_version": version}
    assert_book_at_the_broker(sim)
