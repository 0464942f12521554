"""What each command line prints, and how it ends."""

from __future__ import annotations

import json
import sys

import pytest
import yaml

from tests.unit.cli.conftest import Cli


def test_a_piped_table_is_plain_and_says_its_source_on_stderr(remembered: Cli):
    done = remembered("status", "--ghost")
    assert done.out == (
        "NAME      GENUS   PHASE      READY   RESTARTS   ACTIVITY   HEALTH    AGE\n"
        "queue     D       Degraded     1/1          3       0.50   Unknown     –\n"
        "scholar   D       Running      1/1          0       0.50   Unknown     –\n"
    )
    assert done.code == 0
    assert done.err.startswith("2 agents · lab/default · cached ")
    assert done.err.endswith(" d ago, OLD [GHOST]\n")


def test_all_namespaces_show_theirs(remembered: Cli):
    assert remembered("status", "--ghost", "-A").out.splitlines()[3].split()[:2] == ["other", "far"]


def test_names_are_what_kubectl_takes(remembered: Cli):
    assert remembered("status", "--ghost", "-o", "name").out == "agent.kgents.io/queue\nagent.kgents.io/scholar\n"


def test_json_has_one_shape_with_its_source(remembered: Cli):
    said = remembered("status", "--ghost", "-o", "json").json
    assert list(said) == ["path", "source", "items"]
    assert (said["source"]["layer"], said["source"]["staleness"]) == ("ghost", "old")
    one = remembered("status", "scholar", "--ghost", "-o", "json").json
    assert (list(one), one["item"]["name"]) == (["path", "source", "item"], "scholar")


def test_yaml_holds_the_same(remembered: Cli):
    said = yaml.safe_load(remembered("status", "--ghost", "-o", "yaml").out)
    assert [row["name"] for row in said["items"]] == ["queue", "scholar"]


def test_without_a_hive_old_data_is_shown_with_the_reasons(remembered: Cli):
    done = remembered("status")
    assert (done.code, len(done.out.splitlines())) == (0, 3)
    assert "kgents: Cortex: it does not run\n" in done.err
    assert "OLD [GHOST]" in done.err


@pytest.mark.parametrize("words", [["status", "--require-live"], ["status", "--max-age", "5m"], ["observe"]])
def test_what_no_layer_can_answer_exits_5_in_one_line(remembered: Cli, words: list[str]):
    done = remembered(*words)
    assert (done.code, done.out, done.err.count("\n")) == (5, "", 1)
    assert done.err.startswith("kgents: Nothing ")
    assert "kgents infra init" in done.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stauts"], "kgents: There is no command “stauts”. Did you mean status?\n"),
        (["status", "--frob"], "kgents: No such option: --frob. See kgents status --help\n"),
        (["status", "-o", "xml"], "kgents: “xml” is no output format: there are table, wide, json, yaml, name\n"),
        (["status", "--max-age", "soon"], 'kgents: "soon" is not a duration. Write it like 90s, 5m, 1h30m or 2d\n'),
        (
            ["signal", "emit", "WARNING", "--intensity", "2"],
            "kgents: --intensity must be above 0 and at most 1: got 2\n",
        ),
        (["run", "x"], "kgents: There is nothing to run. Put the command after a --: kgents run NAME -- COMMAND\n"),
        (["delete", "x"], "kgents: Delete the agent “x” in lab/default: nobody can be asked here. Give --yes\n"),
        (["ghost", "show", "dreams"], "kgents: The ghost holds no “dreams”: it holds agents, signals, proposals\n"),
        (["completion", "tcsh"], "kgents: There is no completion for “tcsh”: there is bash, zsh, fish\n"),
        (
            ["invoke", "world"],
            "kgents: 'world' is not a path: a path is context.entity[.name].aspect. Try kgents paths\n",
        ),
    ],
)
def test_a_call_that_cannot_be_understood_exits_2(kgents: Cli, words: list[str], says: str):
    done = kgents(*words)
    assert (done.code, done.out, done.err) == (2, "", says)


def test_an_unknown_type_of_signal_lists_those_there_are(kgents: Cli):
    done = kgents("signal", "emit", "HAPPY")
    assert done.code == 2
    assert "there are WARNING, OPPORTUNITY" in done.err


def test_a_name_of_300_characters_is_refused_in_one_line(kgents: Cli):
    done = kgents("run", "a" * 300, "--", "ls")
    assert (done.code, done.err.count("\n"), len(done.err) < 300) == (2, 1, True)


def test_a_dry_run_prints_the_agent_with_an_absolute_command_and_this_folder(kgents: Cli):
    done = kgents(
        "run", "web", "--env", "A=1", "--port", "8000", "--dry-run", "--", sys.executable, "-m", "http.server"
    )
    spec = yaml.safe_load(done.out)["spec"]
    assert (spec["command"], spec["args"]) == ([sys.executable], ["-m", "http.server"])
    assert spec["workingDir"].startswith("/")
    assert (spec["env"], spec["ports"][0]["containerPort"]) == ([{"name": "A", "value": "1"}], 8000)


def test_a_program_that_is_not_there_is_said_before_anything_is_made(kgents: Cli):
    done = kgents("run", "x", "--", "no-such-program")
    assert done.err.startswith("kgents: There is no program “no-such-program”")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1", "stdin is no valid YAML"),
        ("just words", "holds something that is no object"),
        ("kind: Agent", "holds an object without apiVersion"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {}", "holds a ConfigMap without a name"),
    ],
)
def test_what_cannot_be_applied_says_why(kgents: Cli, text: str, says: str):
    done = kgents("apply", "-f", "-", stdin=text)
    assert (done.code, says in done.err) == (1, True)


def test_a_kubeconfig_that_points_nowhere_is_an_error_and_the_ghost_still_answers(remembered: Cli):
    remembered("status", "--ghost")
    remembered.kubeconfig.unlink()
    assert remembered("status").code == 5
    assert remembered("status", "--ghost").code == 0


def test_a_malformed_kubeconfig_is_one_line(kgents: Cli):
    kgents.kubeconfig.write_text("{ [")
    done = kgents("status")
    assert (done.code, done.err.count("\n")) == (1, 1)


def test_debug_shows_the_rest(kgents: Cli):
    assert "Traceback" in kgents("status", "--debug").err
    assert "Traceback" not in kgents("status").err


def test_the_ghost_can_be_cleared_only_when_told_so(remembered: Cli):
    assert remembered("ghost", "clear").code == 2
    assert remembered("ghost", "clear", "--yes").out.startswith("1 files removed")
    assert remembered("status", "--ghost").code == 5


def test_ghost_status_dates_each_entry(remembered: Cli):
    said = remembered("ghost", "status", "-o", "json").json
    assert (said["items"][0]["entry"], said["items"][0]["staleness"]) == ("agents/_index.json", "old")


def test_paths_prints_the_registry(kgents: Cli):
    assert "world.cluster.agents.<agent>.suspend" in kgents("paths").out
    assert len(json.loads(kgents("paths", "-o", "json").out)["items"]) == len(kgents("paths", "-o", "name").out.split())


def test_help_lists_every_command_and_the_exit_codes(kgents: Cli):
    done = kgents("--help")
    assert done.code == 0
    for word in ("status", "observe", "infra", "demo", "Exit codes", "5 no"):
        assert word in done.out


def test_a_reader_that_leaves_is_no_error(remembered: Cli):
    import subprocess

    command = f"{sys.executable} -m kgents.cli.main paths | head -1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=remembered.env)
    assert (done.stdout.count("\n"), done.stderr) == (1, "")
