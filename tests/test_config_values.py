"""Settings: every wrong value is told with its line, and no text at all gets past as something else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config_support import FLAG_KEYS, FLAGS, refusal
from tieout.config import load_settings
from tieout.errors import SettingsError
from tieout.flags import Flags


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("dry_run: true", "5: dry_run is not a key; did you mean DRY_RUN?"),
        ("XYZZY: 1", "5: XYZZY is not a key; no key has a name like it"),
        ("BROKER: {prot: 1}", "5: BROKER.prot is not a key; did you mean port?"),
        ("AUDIT: {zzz: 1}", "5: AUDIT.zzz is not a key; expected one of retention_days"),
        ("BROKER:\n  port: 1\n  port: 1", "7: BROKER.port is given twice, first on line 6; expected once"),
        ("BROKER:", "5: BROKER is null; expected a block of keys"),
        (
            "BROKER: {client_id: 0}",
            "5: BROKER.client_id is 0; expected 1 or more (a connection with client id 0 "
            "binds manual orders, that is, changes them)",
        ),
        (
            "BROKER: {cli_client_id: 0}",
            "5: BROKER.cli_client_id is 0; expected 1 or more (a connection with client "
            "id 0 binds manual orders, that is, changes them)",
        ),
        (
            "BROKER: {client_id: 5, cli_client_id: 5}",
            "5: BROKER: client_id and cli_client_id are both 5; expected "
            "two different ids, so that the command line works beside a running bot",
        ),
        ("BROKER: {port: 70000}", "5: BROKER.port is 70000; expected at most 65535"),
        ("BROKER: {port: 0o17}", '5: BROKER.port is the text "0o17"; expected a whole number'),
        ("BROKER: {port: 010}", '5: BROKER.port is the text "010"; expected a whole number'),
        ("BROKER: {port: 4002.0}", "5: BROKER.port is 4002.0; expected a whole number"),
        ("BROKER: {account: 123}", "5: BROKER.account is 123; expected text (put it in quotes)"),
        ("BROKER: {client: ibapi}", '5: BROKER.client is the text "ibapi"; expected ib_async or ib_insync'),
        ("BROKER: {timeout_seconds: 0}", "5: BROKER.timeout_seconds is 0; expected more than 0"),
        (
            "RECONCILE: {interval_seconds: 1:30}",
            '5: RECONCILE.interval_seconds is the text "1:30"; expected a whole number',
        ),
        (
            "LIVE_DATA: {publish: 'http://bot:hidden@example.org'}",
            "5: LIVE_DATA.publish is a value that is not shown; expected an address like nats://host:4222; user and "
            "password may stand before the host",
        ),
        (
            "LIVE_DATA: {publish_subject: tieout.*}",
            '5: LIVE_DATA.publish_subject is the text "tieout.*"; expected words of letters, digits, - and _ with dots '
            "between",
        ),
        ("RECONCILE: {price_tolerance: -1}", "5: RECONCILE.price_tolerance is -1; expected at least 0"),
        (
            "RECONCILE: {price_tolerance: .inf}",
            '5: RECONCILE.price_tolerance is the text ".inf"; expected a number',
        ),
        (
            "RECONCILE: {price_tolerance: 1e-9}",
            "5: RECONCILE.price_tolerance is 1E-9; expected a number of at most 8 decimal places",
        ),
        ("SPY_FUTURES: {symbols: ES}", '5: SPY_FUTURES.symbols is the text "ES"; expected a list'),
        (
            "SPY_FUTURES:\n  symbols:\n    - ES\n    - 7",
            "8: SPY_FUTURES.symbols[1] is 7; expected text (put it in quotes)",
        ),
        (
            "LIVE_DATA: {max_event_queue_size: 50}",
            "5: LIVE_DATA: backpressure_drop_count is 100; expected at most max_event_queue_size (50)",
        ),
        ("LIVE_DATA: {record_keep_days: 0}", "5: LIVE_DATA.record_keep_days is 0; expected at least 1"),
        (
            "BACKUP_DIR: ~/b",
            '5: BACKUP_DIR is the text "~/b"; expected a path without ~ (it is not expanded)',
        ),
        (
            "BROKER: {warning_codes: [1100, 165, 201]}",
            "5: BROKER.warning_codes is a list; expected codes that only inform; 201, 1100 never do",
        ),
        ("STRATEGY: mine", '5: STRATEGY is the text "mine"; expected `module:Class`, or null'),
        ("ALERTS: {targets: {HGIH: []}}", "5: ALERTS.targets.HGIH is not a key; did you mean HIGH?"),
        (
            "STAGED_ACTIONS: data/orders.db",
            " STAGED_ACTIONS and DATABASE.orders_db_path are both data/orders.db; expected two different files",
        ),
        ("X: &a 1", "5: X is not a key; no key has a name like it"),
        ("ALLOW_LIVE: &a true\nMETRICS_PORT: *a", "6: *a is an alias; expected the value itself"),
        (
            "ALLOW_LIVE: !!bool yes",
            "5: the tag tag:yaml.org,2002:bool is not used here; expected the value alone",
        ),
        ("<<: {DRY_RUN: false}", "5: << is not a key; no key has a name like it"),
        ("? [a]\n: 1", "5: a key is a list or a block; expected a name"),
        ("---\nA: 1", "5: not YAML: but found another document"),
        ("BROKER: [", "5: not YAML: expected the node content, but found '<stream end>'"),
    ],
)
def test_a_wrong_value_is_told_with_its_line(tmp_path: Path, block: str, expected: str) -> None:
    assert refusal(tmp_path, FLAGS + block) == expected


@given(
    text=st.text(max_size=300)
    | st.lists(st.sampled_from([*FLAGS.splitlines(), "A:", " b: [", "&a *a", "- {"])).map("\n".join)
)
def test_any_text_gives_settings_or_a_settings_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        flags = load_settings(path).flags
    except SettingsError:
        return
    assert set(FLAGS.splitlines()) <= set(text.splitlines())
    assert flags == Flags(dry_run=True, safe_mode=True, dry_run_confirm=False, force_sync_delete=False)


@given(st.permutations(FLAGS.splitlines()), st.tuples(*[st.sampled_from(["true", "false", "True", "False"])] * 4))
def test_the_order_of_the_keys_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], words: tuple[str, ...]
) -> None:
    by_key = dict(zip(FLAG_KEYS, words, strict=True))
    path = tmp_path_factory.getbasetemp() / "order.yml"
    path.write_text("\n".join(f"{key}: {by_key[key]}" for key in (line.split(":")[0] for line in lines)))
    flags = load_settings(path).flags
    assert flags.as_config() == {
        **{key.lower(): word.lower() == "true" for key, word in by_key.items()},
        "auto_manage_external_orders": False,
    }
