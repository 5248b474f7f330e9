"""The command line itself: options before and after the name, --json everywhere, help, usage errors, init, demo."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING

import pytest

from cli_process import Outcome, assert_error, assert_json_error, finished, start
from cli_support import Workplace, adopted_workspace, copied, gateway
from tieout.cli import main
from tieout.cli.arguments import hoist
from tieout.samples import write_sample_book

if TYPE_CHECKING:
    from pathlib import Path

COMMANDS = ("init", "check", "demo", "adopt", "run", "stage", "show", "confirm", "status", "safe-mode", "sim", "backup")


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    return adopted_workspace(tmp_path_factory.mktemp("adopted"))


@pytest.fixture
def place(adopted: Workplace, tmp_path: Path) -> Workplace:
    return copied(adopted, tmp_path)


def tieout(*words: str) -> Outcome:
    """`tieout WORDS`, with no workspace named."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize(
    ("words", "ordered"),
    [
        (["stage", "--json"], ["--json", "stage"]),
        (["stage", "--workspace", "w", "--quiet"], ["--workspace", "w", "--quiet", "stage"]),
        (["confirm", "--config=c.yml", "abc"], ["--config=c.yml", "confirm", "abc"]),
        (["stage", "--sim"], ["stage", "--sim=@default"]),
        (["stage", "--sim", "s.yaml"], ["stage", "--sim=s.yaml"]),
        (["confirm", "--sim", "0123456789ab"], ["confirm", "--sim=@default", "0123456789ab"]),
        (["stage", "--workspace"], ["--workspace", "stage"]),
        (["adopt", "--", "--json"], ["adopt", "--", "--json"]),
    ],
)
def test_common_options_come_to_the_front(words: list[str], ordered: list[str]) -> None:
    assert hoist(words) == ordered


def test_options_before_and_after_the_name_are_the_same(place: Workplace) -> None:
    root = str(place.root)
    first = tieout("--workspace", root, "--json", "backup")
    after = tieout("backup", "--json", "--workspace", root)
    equals = tieout("backup", f"--workspace={root}", "--json")
    assert {one.code for one in (first, after, equals)} == {0}
    assert (first.told["reused"], after.told["reused"]) == (False, True)
    assert after.told == equals.told


def test_the_workspace_from_the_environment_and_the_current_folder(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIEOUT_WORKSPACE", str(place.root))
    assert tieout("--json", "status").told["status"] == "NOT_STARTED"
    monkeypatch.delenv("TIEOUT_WORKSPACE")
    monkeypatch.chdir(place.root)
    assert tieout("--json", "status").told["status"] == "NOT_STARTED"


def test_another_settings_file(place: Workplace) -> None:
    other = place.root / "other.yml"
    other.write_text(place.config.read_text("utf-8").replace("SAFE_MODE: true", "SAFE_MODE: false"), encoding="utf-8")
    told = place.run("status", "--json", "--config", str(other)).told
    assert told["flags"]["safe_mode"] is False
    assert place.run("status", "--json").told["flags"]["safe_mode"] is True


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command: str) -> None:
    done = tieout(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: tieout {command} ")
    overview = tieout("--help")
    assert f"\n  {command} " in overview.out


@pytest.mark.parametrize("words", [[], ["safe-mode"]])
def test_no_command_is_answered_with_the_help(words: list[str]) -> None:
    done = tieout(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: tieout ")
    assert_json_error(tieout("--json", *words), 2, name="usage_error", says="")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stage", "--forse"], "No such option: --forse"),
        (["stege"], "No such command 'stege'"),
        (["stage", "now"], "unexpected extra argument"),
        (["adopt"], "Missing argument"),
        (["safe-mode", "on"], "Missing option '--reason'"),
        (["stage", "--lock-timeout", "soon"], "--lock-timeout"),
        (["sim", "--port", "99999"], "--port"),
    ],
)
def test_a_wrong_command_line(words: list[str], says: str) -> None:
    done = tieout(*words)
    assert_error(done, 2, says=says)
    assert done.err.splitlines()[-1].startswith("hint: see `tieout")
    assert_json_error(tieout(*words, "--json"), 2, name="usage_error", says=says)


def test_a_workspace_that_is_not_there(tmp_path: Path) -> None:
    assert_error(tieout("status", "--workspace", str(tmp_path / "gone")), 2, says="there is no such folder")
    assert_error(tieout("status", "--workspace", str(tmp_path)), 2, says="there is no such file; expected the settings")


def test_settings_that_cannot_be_used(place: Workplace) -> None:
    before = place.content()
    text = place.config.read_text("utf-8")
    place.config.write_text(text.replace("DRY_RUN: true", "DRY_RUN: maybe"), encoding="utf-8")
    for command in ("check", "stage", "show", "confirm", "status", "backup", "run"):
        assert_error(place.run(command), 2, says='DRY_RUN is the text "maybe"; expected true or false')
    assert_json_error(place.run("stage", "--json"), 2, name="settings_error", says="DRY_RUN")
    assert place.content() == before
    assert not (place.root / "status" / "reconcile_status.json").exists()


def test_json_is_exactly_one_object_on_every_command(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "w")
    made = tieout("--json", "init", str(place.root))
    assert (made.code, made.told["workspace"]) == (0, str(place.root))
    old = tmp_path / "old.db"
    write_sample_book(old)
    adopted = place.run("adopt", str(old), "--out", str(place.book), "--timezone", "America/New_York", "--json")
    assert (adopted.code, adopted.told["orders"]) == (0, 341)
    assert set(adopted.told) >= {
        "orders", "order_events", "executions", "placed", "from_events_only", "before_first_placed", "doubts",
    }  # fmt: skip
    with gateway(place):
        place.flags()
        staged = place.run("stage", "--json")
        assert (staged.code, set(staged.told) >= {"plan_id", "summary", "evidence", "backup", "expires_at"}) == (
            3,
            True,
        )
        assert place.run("check", "--json").told["ok"] is True
        assert place.run("show", "--json").told["plan_id"] == staged.told["plan_id"]
        assert place.run("run", "--once", "--json").told["summary"] == staged.told["summary"]
        place.flags(confirm=True)
        done = place.run("confirm", staged.told["plan_id"][:12], "--json")
        assert (done.code, set(done.told) >= {"executed", "skipped", "failed", "backup"}) == (0, True)
        assert place.run("status", "--json").told["status"] == "COMPLETED"
    backups = place.run("backup", "list", "--json").told["backups"]
    assert [one["id"] for one in backups] == place.backups()[::-1]
    assert place.run("backup", "verify", backups[0]["id"], "--json").told["verified"] is True
    assert place.run("safe-mode", "on", "--reason", "a test", "--json").told["latched"] is True
    assert place.run("safe-mode", "off", "--reason", "a test", "--json").told["latched"] is False
    assert place.run("adopt", str(place.book), "--json").told["already_current"] is True


def test_quiet_says_results_and_errors_alone(place: Workplace) -> None:
    place.flags()
    with gateway(place):
        assert place.run("stage", "--quiet") == Outcome(3, "", "")
        assert place.run("--quiet", "check") == Outcome(0, "", "")
    assert_error(place.run("stage", "--quiet"), 1, says="No gateway at")


def test_verbose_says_more(tmp_path: Path) -> None:
    old = tmp_path / "old.db"
    write_sample_book(old)
    words = ["adopt", str(old), "--account", "DU1", "--client-id", "1", "--timezone", "America/New_York", "--out"]
    plain = tieout(*words, str(tmp_path / "a.db")).out.splitlines()
    more = tieout(*words, str(tmp_path / "b.db"), "--verbose").out.splitlines()
    assert len(more) > len(plain)
    assert [line for line in more if not line.startswith("    ")][1:] == plain[1:]


def test_the_reader_of_the_output_may_go_away(place: Workplace) -> None:
    with gateway(place):
        place.run("stage")
    reader, writer = os.pipe()
    os.close(reader)
    process = place.start("show", output=writer)
    os.close(writer)
    done = finished(process)
    assert "Traceback" not in done.err, done.err


def test_init_twice_changes_nothing(tmp_path: Path) -> None:
    first = tieout("init", str(tmp_path))
    assert first.code == 0
    place = Workplace(tmp_path)
    place.set(BROKER__port=4999)
    (tmp_path / "run_bot.py").write_text("# mine\n", encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = tieout("init", str(tmp_path))
    assert (again.code, again.out.splitlines()[0]) == (0, "everything is there already; nothing was changed")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_init_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert_error(tieout("init", str(tmp_path / "file")), 2, says="cannot be made")


def test_the_demo_ends_clean_and_takes_a_new_folder_where_its_own_is_full(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "mine").write_text("", encoding="utf-8")
    done = finished(start([sys.executable, "-m", "tieout", "demo", "--json"], tmp_path))
    assert (done.code, done.told["dir"], done.told["simulated"]) == (0, str(tmp_path / "demo-2"), True)
    assert done.err.count("staged again: book and broker agree, nothing to do") == 2
    assert [path.name for path in (tmp_path / "demo").iterdir()] == ["mine"]
    place = Workplace(tmp_path / "demo-2")
    assert (place.status()["status"], place.plan()["simulated"]) == ("COMPLETED", True)
    assert sum(place.plan()["summary"].values()) == 0
    assert_error(tieout("demo", "--dir", str(tmp_path / "demo" / "mine")), 2, says="is a file; expected a folder")


def test_the_gateway_as_a_command(place: Workplace) -> None:
    process = place.start("sim", "--port", "0", "--book", "data/orders.db", "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())
    assert told["listening"] == f"127.0.0.1:{told['port']}"
    place.set(BROKER__port=told["port"])
    place.flags()
    assert place.run("stage").code == 3
    process.send_signal(signal.SIGTERM)
    assert finished(process) == Outcome(0, "", "")
