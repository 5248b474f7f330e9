"""Settings: the safest reading wins, and every error names file, line, key, what was found and expected."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from config_support import FLAG_KEYS, FLAGS, config_file, load, refusal
from tieout.config import Settings, load_settings
from tieout.errors import SettingsError
from tieout.flags import Flags
from tieout.templates import read_template

ROOT = Path(__file__).parent.parent


def test_the_shipped_file_and_the_template_are_the_same() -> None:
    assert (ROOT / "config" / "local_reconcile.yml").read_text("utf-8") == read_template("local_reconcile.yml")


def test_the_shipped_file_holds_the_safest_flags_and_every_default(tmp_path: Path) -> None:
    shipped = load(tmp_path, read_template("local_reconcile.yml"))
    assert shipped.flags == Flags(
        dry_run=True,
        safe_mode=True,
        dry_run_confirm=False,
        force_sync_delete=False,
        auto_manage_external_orders=False,
    )
    assert shipped == load(tmp_path, FLAGS)


def test_the_shipped_file_names_every_key_with_a_comment_or_a_block(tmp_path: Path) -> None:
    text = read_template("local_reconcile.yml")
    named = {line.split(":")[0] for line in text.splitlines() if line and line[0].isupper()}
    assert named == {name.upper() for name in Settings.model_fields}


def test_the_operator_guides_values_are_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, FLAGS)
    assert (settings.staged_actions, settings.database.orders_db_path) == (
        "./staged_actions.json",
        "./data/orders.db",
    )
    assert (settings.broker.port, settings.broker.account, settings.broker.client) == (4002, None, "ib_async")
    assert (settings.reconcile.timeout_seconds, settings.reconcile.timestamp_match_window_seconds) == (
        60.0,
        300,
    )
    assert (settings.reconcile.require_exact_price_match, settings.reconcile.signature_matches) == (
        True,
        "review",
    )
    assert settings.spy_futures.symbols == ("ES", "MES", "SPY")
    assert settings.spy_futures.max_unrealized_loss_pct == Decimal("2.0")
    assert (settings.live_data.max_event_queue_size, settings.live_data.backpressure_drop_count) == (
        10_000,
        100,
    )
    assert (settings.audit.retention_days, settings.allow_live, settings.metrics_port) == (90, False, None)


@pytest.mark.parametrize("key", FLAG_KEYS)
@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("yes", 'the text "yes"'),
        ("on", 'the text "on"'),
        ("no", 'the text "no"'),
        ("TRUE", 'the text "TRUE"'),
        ("y", 'the text "y"'),
        ("flase", 'the text "flase"'),
        ('"true"', 'the text "true"'),
        ("'false'", 'the text "false"'),
        ("1", "1"),
        ("0", "0"),
        ("1.0", "1.0"),
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("[true]", "a list"),
        ("{a: true}", "a block of keys"),
    ],
)
def test_a_flag_that_is_not_a_real_boolean_is_an_error(tmp_path: Path, key: str, written: str, found: str) -> None:
    lines = [f"{key}: {written}" if line.startswith(f"{key}:") else line for line in FLAGS.splitlines()]
    number = FLAG_KEYS.index(key) + 1
    assert refusal(tmp_path, "\n".join(lines)) == f"{number}: {key} is {found}; expected true or false"


@pytest.mark.parametrize("key", FLAG_KEYS)
def test_a_missing_flag_is_an_error(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in FLAGS.splitlines() if not line.startswith(f"{key}:"))
    assert refusal(tmp_path, text) == f" {key} is missing; expected true or false"


@pytest.mark.parametrize("key", FLAG_KEYS)
def test_a_flag_given_twice_is_an_error_even_with_equal_values(tmp_path: Path, key: str) -> None:
    line = next(line for line in FLAGS.splitlines() if line.startswith(f"{key}:"))
    first = FLAG_KEYS.index(key) + 1
    expected = f"5: {key} is given twice, first on line {first}; expected once"
    assert refusal(tmp_path, FLAGS + line) == expected


def test_a_misspelled_flag_names_the_nearest_key_and_the_missing_one(tmp_path: Path) -> None:
    assert refusal(tmp_path, FLAGS.replace("DRY_RUN:", "DRY_RUNN:")) == (
        "1: DRY_RUNN is not a key; did you mean DRY_RUN?\n DRY_RUN is missing; expected true or false"
    )


def test_all_problems_are_listed_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = "SAFE_MODE: yes\nDRY_RUN: 1\nBROKER:\n  port: x\nFORCE_SYNC_DELETE: false\n"
    assert refusal(tmp_path, text) == (
        '1: SAFE_MODE is the text "yes"; expected true or false\n'
        "2: DRY_RUN is 1; expected true or false\n"
        '4: BROKER.port is the text "x"; expected a whole number\n'
        " DRY_RUN_CONFIRM is missing; expected true or false"
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", ": the file is empty; expected the settings"),
        (b"# only a comment\n", ": the file is empty; expected the settings"),
        (b"- DRY_RUN\n", ":1: found no `KEY: value` pairs; expected the settings"),
        (b"DRY_RUN: true\nA: \xff\n", ":2: byte 0xff is not UTF-8; expected UTF-8 text"),
        (b"DRY_RUN: true\nA: \x01\n", ":2: not YAML: the character #x0001"),
        (b"#" * 1_000_001, ": more than 1000000 bytes; expected the settings"),
    ],
)
def test_a_file_that_cannot_be_settings_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, raw: bytes, expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_file(tmp_path)
    config.write_bytes(raw)
    with pytest.raises(SettingsError) as caught:
        load_settings(config)
    assert caught.value.message == f"config/local_reconcile.yml{expected}"


def test_a_missing_file_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_file(tmp_path)
    with pytest.raises(SettingsError) as caught:
        load_settings(config)
    assert caught.value.message == "config/local_reconcile.yml: there is no such file; expected the settings"
    assert caught.value.hint.startswith("run `tieout init`")


def test_a_folder_in_the_files_place_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    config = config_file(tmp_path)
    config.mkdir()
    with pytest.raises(SettingsError) as caught:
        load_settings(config)
    assert caught.value.message == "config/local_reconcile.yml: is a folder; expected a file"


def test_a_wrong_notification_address_is_not_repeated(tmp_path: Path) -> None:
    assert refusal(tmp_path, FLAGS + "ALERTS: {targets: {HIGH: secret-token}}") == (
        "5: ALERTS.targets.HIGH is a value that is not shown; expected a list"
    )


def test_notification_addresses_are_neither_printed_nor_dumped(tmp_path: Path) -> None:
    settings = load(tmp_path, FLAGS + "ALERTS: {targets: {HIGH: ['json://secret-token']}}")
    assert settings.alerts.targets.of("HIGH") == ("json://secret-token",)
    assert settings.alerts.targets.of("INFO") == ()
    assert "secret-token" not in f"{settings!r} {settings.model_dump_json()}"


def test_decimals_keep_the_digits_that_were_written(tmp_path: Path) -> None:
    text = FLAGS + 'RECONCILE: {price_tolerance: 0.10}\nSPY_FUTURES: {max_unrealized_loss_pct: "2.30"}\n'
    settings = load(tmp_path, text)
    assert str(settings.reconcile.price_tolerance) == "0.10"
    assert str(settings.spy_futures.max_unrealized_loss_pct) == "2.30"
