"""The official `ibapi`, in an environment of its own, agrees with the scenario as the other clients do."""

from __future__ import annotations

import os
from pathlib import Path

from agreement_support import CLIENTS, ES, TOLD, assert_book_at_the_broker, told_to

PYTHON = Path(os.environ.get("TIEOUT_IBAPI_PYTHON", Path(__file__).parent.parent / ".venv-ibapi" / "bin" / "python"))
VERSION_MAX = 157
"""Of ibapi 9.81.1.post1, the newest on PyPI."""


def test_the_official_client_agrees(tmp_path: Path) -> None:
    assert PYTHON.exists(), f"{PYTHON} is not there; `make .venv-ibapi/.built` makes it"
    told, sim = told_to([str(PYTHON), str(CLIENTS / "official.py"), "127.0.0.1", "{port}", "7", str(ES)], tmp_path, 178)
    assert told == TOLD | {"server_version": VERSION_MAX}
    assert_book_at_the_broker(sim)
