"""Bad input and unlucky machines: each gets its exit code and one line that says what, why and what to do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.support.machine import Done, Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
LONG = "a" * 300
NOWHERE = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "gone",
    "contexts": [{"name": "gone", "context": {"cluster": "gone", "user": "gone"}}],
    "clusters": [{"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "gone", "user": {"token": "none"}}],
}


@pytest.fixture(scope="module")
def hive(machine: Machine) -> Machine:
    """A hive with no agents."""
    machine("infra", "init")
    return machine


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Machine]:
    """A second machine, on which nothing has happened; it starts no daemon."""
    machine = Machine(tmp_path / "elsewhere", {"CI": "1"})
    yield machine
    machine.clear()


def agent(name: str, **spec: object) -> str:
    manifest = {"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": name}, "spec": spec}
    return json.dumps(manifest)


def complaint(done: Done, code: int) -> str:
    """The one line on stderr of a command that ended with that code."""
    assert done.returncode == code, f"exit {done.returncode}: {done.stderr}"
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("kgents: "), done.stderr
    assert "Traceback" not in done.stdout
    return lines[0]


def test_malformed_yaml_is_told_with_its_place(hive: Machine) -> None:
    line = complaint(hive.run("apply", "-f", "-", input="a: [1\nb"), 1)

    assert "no valid YAML" in line and "line" in line


def test_a_date_in_a_file_is_a_text(hive: Machine) -> None:
    dated = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: dated}\ndata: {since: 2026-01-01}\n"
    assert "configmap/dated applied" in hive("apply", "-f", "-", input=dated)
    assert hive.kubectl.json("get", "configmap", "dated")["data"] == {"since": "2026-01-01"}


@pytest.mark.parametrize(
    "words",
    [
        ("status", "caf\udce9"),
        ("signal", "emit", "TEST", "--payload", "\udce9"),
        ("freeze", "--yes", "--reason", "\udce9"),
    ],
    ids=["a name", "a payload", "a reason"],
)
def test_words_that_are_no_text_are_told(hive: Machine, words: tuple[str, ...]) -> None:
    assert "UTF-8" in complaint(hive.run(*words), 2)


def test_a_file_that_is_no_text_is_told(hive: Machine, tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    asked = ("propose", "bot", "--reason", "a test", "-f", str(binary))
    assert "UTF-8" in complaint(hive.run(*asked), 2)


@pytest.mark.parametrize("words", [("observe", "--type", "WARNINGS"), ("adopt", "deploy/x", "--signal", "WARNINGS=x")])
def test_a_type_of_signals_that_there_is_not_is_told(hive: Machine, words: tuple[str, ...]) -> None:
    assert "there is no signal type WARNINGS" in complaint(hive.run(*words), 2)


@pytest.mark.parametrize("words", [("status", ""), ("why", "../../etc"), ("proposals", ""), ("logs", "a..b")])
def test_what_is_no_name_is_told_in_plain_words(hive: Machine, words: tuple[str, ...]) -> None:
    assert "is no name" in complaint(hive.run(*words), 2)


@pytest.mark.parametrize("command", [("delete", "--yes"), ("stop",), ("status",)])
def test_an_empty_name_is_not_the_current_hive(hive: Machine, command: tuple[str, ...]) -> None:
    assert "--name is empty" in complaint(hive.run("infra", *command, "--name", ""), 2)
    assert hive.hive.is_dir()


def test_an_unknown_field_is_named(hive: Machine) -> None:
    line = complaint(hive.run("apply", "-f", "-", input=agent("odd", comand=["x"])), 1)

    assert "comand" in line
    assert "odd" not in hive.agents()


def test_an_object_of_an_unknown_kind_is_named(hive: Machine) -> None:
    unknown = '{"apiVersion": "kgents.io/v1", "kind": "Hamster", "metadata": {"name": "x"}}'

    assert "Hamster" in complaint(hive.run("apply", "-f", "-", input=unknown), 3)


def test_a_name_of_300_characters_is_refused_before_anything_is_sent(hive: Machine) -> None:
    line = complaint(hive.run("run", LONG, "--", "sleep", "1"), 2)

    assert "300 characters" in line and len(line) < 300


def test_a_name_of_300_characters_is_refused_by_the_api_too(hive: Machine) -> None:
    assert "50 characters" in complaint(hive.run("apply", "-f", "-", input=agent(LONG, command=["x"])), 1)


def test_an_agent_of_300_characters_is_not_found(hive: Machine) -> None:
    assert len(complaint(hive.run("status", LONG), 3)) < 300


def test_a_hive_of_300_characters_is_refused(hive: Machine) -> None:
    assert "1 to 40" in complaint(hive.run("infra", "init", "--name", LONG), 2)


def test_deleting_a_hive_without_a_terminal_wants_yes(hive: Machine) -> None:
    assert "--yes" in complaint(hive.run("infra", "delete"), 2)
    assert hive.hive.is_dir()


def test_a_cluster_that_the_kubeconfig_does_not_name_is_not_guessed(hive: Machine) -> None:
    said = complaint(hive.run("infra", "init", "--context", "prod"), 2)
    assert "no usable context “prod”. There is: kgents-laptop" in said


def test_kind_clusters_are_made_by_kind(hive: Machine) -> None:
    assert "infra init makes a hive that needs neither" in complaint(hive.run("infra", "init", "--kind"), 2)


def test_a_hive_that_is_not_there_is_not_found(hive: Machine) -> None:
    for command in ("start", "stop", "status", "kubeconfig", "logs", "delete"):
        assert "There is no hive “other”" in complaint(hive.run("infra", command, "--name", "other"), 3)
    assert hive.run("infra", "delete", "--name", "other", "--if-exists").returncode == 0


def test_a_program_that_is_not_here_is_refused_by_run(hive: Machine) -> None:
    assert "nosuchprogram" in complaint(hive.run("run", "x", "--", "nosuchprogram"), 2)


def test_an_agent_whose_command_does_not_exist_has_failed_and_says_so(hive: Machine) -> None:
    hive("apply", "-f", "-", input=agent("wrong", command=["/no/such/program"]))

    row = eventually(lambda: (row := hive.agents()["wrong"])["phase"] == "Failed" and row)
    assert "/no/such/program" in row["reason"]
    hive("delete", "wrong", "--yes")


def test_a_taken_port_is_told_with_its_holder(hive: Machine) -> None:
    with socket.create_server(("0.0.0.0", 0)) as holder:
        port = holder.getsockname()[1]
        program = f"import socket; socket.create_server(('0.0.0.0', {port}))"
        hive("run", "late", "--no-wait", "--port", str(port), "--", sys.executable, "-c", program)

        row = eventually(lambda: (row := hive.agents()["late"])["phase"] == "Failed" and row)

        assert f"port {port}" in row["reason"] and str(os.getpid()) in row["reason"]
    hive("delete", "late", "--yes")


def test_a_stale_socket_and_pid_file_mislead_nobody(hive: Machine) -> None:
    hive("infra", "stop")
    pid_file = next((hive.home / "run").glob("*.pid"), None) or hive.home / "run" / "none.pid"
    pid_file.write_text("1\n")
    for path in (hive.home / "run").glob("*.sock"):
        path.unlink()
    for name in {path.stem for path in (hive.home / "run").glob("*.token")}:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(hive.home / "run" / f"{name}.sock"))  # closed, it stays as a file that nobody serves

    assert hive.run("status").returncode == 0
    hive("infra", "start")
    eventually(lambda: hive.json("status")["source"]["layer"] == "cortex")


def test_a_torn_ghost_file_is_set_aside_and_told(hive: Machine) -> None:
    hive("run", "kept", "--replicas", "0", "--", "sleep", "1")
    index = eventually(lambda: next(hive.home.glob("ghost/*/agents/_index.json"), None))
    eventually(lambda: b"kept" in index.read_bytes())
    hive("infra", "stop")
    whole = index.read_bytes()
    index.write_bytes(whole[: len(whole) // 2])

    done = hive.run("status", "--ghost")

    assert done.returncode == 5 and "Traceback" not in done.stderr
    assert [line for line in done.stderr.splitlines() if "_index.json" in line and "aside" in line], done.stderr
    hive("infra", "start")
    eventually(lambda: "kept" in hive.agents())


def test_a_damaged_hive_can_still_be_deleted(elsewhere: Machine) -> None:
    elsewhere("infra", "init", "--api-only")
    (elsewhere.hive / "hive.json").write_text("{")

    assert "damaged" in complaint(elsewhere.run("infra", "start"), 1)
    elsewhere("infra", "delete", "--yes")
    assert elsewhere.processes() == {} and not elsewhere.hive.exists()


def test_two_hives_live_side_by_side(hive: Machine) -> None:
    hive("run", "here", "--replicas", "0", "--", "sleep", "1")
    hive("infra", "init", "--name", "second", "--api-only")
    try:
        assert hive.json("status")["items"] == []  # the new hive's context is the current one
        eventually(lambda: hive.json("status")["source"]["layer"] == "cortex")  # started by that very look
        assert "here" in hive("status", "--context", "kgents-laptop", "-o", "name")
        contexts = yaml.safe_load(hive.kubeconfig.read_text())["contexts"]
        assert {entry["name"] for entry in contexts} == {"kgents-laptop", "kgents-second"}
    finally:
        hive("infra", "delete", "--yes", "--name", "second")
    assert [command for command in hive.processes().values() if "second" in command] == []
    assert "here" in hive.agents()  # and the one that is left is the current one again


def test_a_kubeconfig_that_is_not_there_is_nothing_to_ask(elsewhere: Machine) -> None:
    assert "kgents infra init" in complaint(elsewhere.run("status"), 5)


def test_a_kubeconfig_that_points_nowhere_says_what_was_tried(elsewhere: Machine) -> None:
    elsewhere.root.mkdir()
    elsewhere.kubeconfig.write_text(json.dumps(NOWHERE))

    line = complaint(elsewhere.run("status"), 5)

    assert all(word in line for word in ("Cortex", "kubectl", "ghost"))


def test_a_write_to_nowhere_says_so(elsewhere: Machine) -> None:
    elsewhere.root.mkdir()
    elsewhere.kubeconfig.write_text(json.dumps(NOWHERE))

    assert complaint(elsewhere.run("signal", "emit", "WARNING"), 5)


def test_a_broken_kubeconfig_is_named(elsewhere: Machine) -> None:
    elsewhere.root.mkdir()
    elsewhere.kubeconfig.write_text("{{{")

    assert str(elsewhere.kubeconfig) in complaint(elsewhere.run("status"), 1)


def test_a_home_that_cannot_be_made_is_one_line(elsewhere: Machine) -> None:
    nowhere = replace(elsewhere, extra={"KGENTS_HOME": "/proc/nowhere"})

    assert "KGENTS_HOME" in complaint(nowhere.run("infra", "init"), 1)


def test_a_read_only_home_does_not_hinder_a_live_answer(hive: Machine) -> None:
    read_only = ["unshare", "-Urm", "sh", "-c", 'mount --rbind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"']
    command = [*read_only, str(hive.home), sys.executable, "-m", "kgents.cli.main", "status", "-o", "json"]
    environment = {**hive.environment, "KGENTS_NO_DAEMON": "1"}

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"]["staleness"] == "live"


def test_an_interrupt_ends_with_130(hive: Machine) -> None:
    with hive.popen("status", "--watch", "-o", "json") as watching:
        assert watching.stdout is not None and watching.stdout.readline()
        watching.send_signal(signal.SIGINT)

    assert watching.returncode == 130
