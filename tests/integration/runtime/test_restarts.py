"""A runtime that ends, in peace or not: its pods live on, and the next one goes on where it stopped."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable

import pytest

from kgents.embedded.runtime.stopping import read_json, stop_pods
from tests.integration.runtime.hive import Node, alive, condition, container, outside, pid_of, waiting
from tests.support.waiting import eventually

_CHILD = "sleep 1000 & echo child $! end; sleep 1000"


def test_a_crash_loop_is_counted_slowed_and_told(node: Node) -> None:
    name = node.run("exit 7")
    pod = node.until(name, lambda pod: pod if container(pod)["restartCount"] >= 3 else None)
    node.until(name, lambda pod: waiting(pod) == "CrashLoopBackOff")
    last = node.until(name, lambda pod: container(pod)["lastState"].get("terminated"))
    assert last["exitCode"] == 7
    assert last["startedAt"] <= last["finishedAt"]
    assert condition(pod, "Ready") == "False"
    eventually(lambda: "Back-off restarting failed container main" in node.events(name))


def test_a_back_off_is_no_older_than_the_runtime(new_node: Callable[..., Node]) -> None:
    own_node = new_node("--first-pause", "1000")
    name = own_node.run("exit 7")
    own_node.until(name, lambda pod: waiting(pod) == "CrashLoopBackOff" and container(pod)["restartCount"] == 1)

    own_node.kill()
    own_node.start()

    own_node.until(name, lambda pod: waiting(pod) == "CrashLoopBackOff" and container(pod)["restartCount"] == 2)


def test_a_signal_is_told_as_such(node: Node) -> None:
    name = node.run("kill -9 $$$$")
    last = node.until(name, lambda pod: container(pod)["lastState"].get("terminated"))
    assert (last["exitCode"], last["signal"]) == (137, 9)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_pods_outlive_the_runtime_and_are_found_again(own_node: Node, number: int) -> None:
    name = own_node.run("sleep 1000")
    before = pid_of(own_node.ready(name))
    own_node.kill(number)
    assert alive(before)
    own_node.start()
    other = own_node.run("sleep 1000")
    own_node.ready(other)
    pod = own_node.pod(name)
    assert pid_of(pod) == before
    assert container(pod)["restartCount"] == 0
    assert own_node.pod(other)["status"]["podIP"] != pod["status"]["podIP"]


def test_an_exit_while_no_runtime_lived_is_reported(own_node: Node) -> None:
    name = own_node.run("x", spec=_never("while ! test -e $HOME/go; do sleep 0.05; done; exit 5"))
    own_node.ready(name)
    folder = own_node.folder(name)
    own_node.kill()
    (folder / "home" / "go").touch()
    eventually(lambda: (folder / "containers" / "main" / "0" / "exit.json").exists())
    own_node.start()
    ended = container(own_node.phase(name, "Failed"))["state"]["terminated"]
    assert ended["exitCode"] == 5
    assert {"startedAt", "finishedAt"} <= set(ended)


def test_a_pod_deleted_while_no_runtime_lived_is_ended(own_node: Node) -> None:
    asked, forced = own_node.run("sleep 1000"), own_node.run("sleep 1000")
    pids = [pid_of(own_node.ready(name)) for name in (asked, forced)]
    own_node.kill()
    own_node.delete(asked, "--grace-period=1")
    own_node.delete(forced, "--force", "--grace-period=0")
    own_node.start()
    assert own_node.gone(asked)
    eventually(lambda: not any(alive(pid) for pid in pids))
    eventually(lambda: not list((own_node.root / "pods").iterdir()))


def test_a_killed_keeper_takes_its_program_and_the_pod_starts_anew(own_node: Node) -> None:
    name = own_node.run(_CHILD)
    log = own_node.said(name, "end")
    before = pid_of(own_node.ready(name))
    child = outside(before, int(log.split()[1]))
    state = read_json(own_node.folder(name) / "containers" / "main" / "0" / "state.json")
    assert state is not None
    os.kill(int(str(state["shim"])), signal.SIGKILL)
    pod = own_node.until(name, lambda pod: pod if container(pod)["restartCount"] == 1 and pid_of(pod) else None)
    last = container(pod)["lastState"]["terminated"]
    assert (last["exitCode"], last["signal"]) == (137, 9)
    assert {"startedAt", "finishedAt"} <= set(last)
    assert not alive(before)
    eventually(lambda: not alive(child))


def test_kills_at_any_moment_never_make_a_second_copy(own_node: Node) -> None:
    names = []
    for number in range(6):
        names += [own_node.run(f"exec sleep 98765.{number}{letter}") for letter in "12"]
        own_node.kill()
        own_node.start()
    for name in names:
        own_node.ready(name)
    commands = [words for words in _commands() if words.startswith("sleep 98765.")]
    assert sorted(commands) == sorted(f"sleep 98765.{number}{letter}" for number in range(6) for letter in "12")


def test_stop_pods_ends_them_all_and_what_they_started(own_node: Node) -> None:
    names = [own_node.run(_CHILD) for _ in range(3)]
    logs = [own_node.said(name, "end") for name in names]
    pids = [pid_of(own_node.ready(name)) for name in names]
    pids += [outside(pid, int(log.split()[1])) for pid, log in zip(pids, logs, strict=True)]
    own_node.kill()
    assert stop_pods(own_node.root) == 3
    assert not any(alive(pid) for pid in pids)
    assert stop_pods(own_node.root) == 0


def test_addresses_come_round_again_and_never_two_at_once(own_node: Node) -> None:
    names = [own_node.run("sleep 1000") for _ in range(3)]
    addresses = [own_node.ready(name)["status"]["podIP"] for name in names]
    own_node.delete(names[0], "--force", "--grace-period=0")
    own_node.gone(names[0])
    own_node.kill()
    own_node.start()
    fresh = own_node.ready(own_node.run("sleep 1000"))["status"]["podIP"]
    assert all(one != two for one, two in itertools.combinations([fresh, *addresses[1:]], 2))


def _commands() -> list[str]:
    return os.popen("ps -eo args --no-headers").read().splitlines()


def _never(script: str) -> dict[str, object]:
    main = {"name": "main", "image": "none", "command": ["sh", "-c", script]}
    return {"restartPolicy": "Never", "containers": [main]}
