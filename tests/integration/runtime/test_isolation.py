"""What a program finds when it looks for more than it was given: asked from inside a pod, told by its log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runtime.hive import Node, alive, condition, pid_of, waiting

Object = dict[str, Any]
NO_MOUNTS = ("unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"', "sh")
NOBODY = ("unshare", "-U", "--map-user=1000", "--map-group=1000")
PRELUDE = """
import ctypes, json, os, signal, socket, subprocess, sys, time
def attempt(act, *words):
    try:
        found = act(*words)
    except OSError as error:
        return type(error).__name__
    return found if isinstance(found, (str, int, list, dict, bool)) else "done"
def read(path):
    with open(path, errors="replace") as file:
        return file.read()
def write(path):
    with open(path, "w") as file:
        file.write("x")
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *words):
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)
"""
REFUSED = ("PermissionError", "FileNotFoundError")


def found(node: Node, script: str, **more: Any) -> Any:
    """What a Python program in a pod of its own puts into `told`."""
    lines = f"{PRELUDE}\n{script}\nprint('told ' + json.dumps(told), flush=True)\ntime.sleep(1000)"
    name = node.run(command=[sys.executable, "-c", lines.replace("$", "$$")], **more)
    log = node.said(name, "told ")
    return json.loads(next(line for line in log.splitlines() if line.startswith("told ")).removeprefix("told "))


@pytest.fixture(scope="module")
def other(node: Node) -> Path:
    """The folder of another pod, with a secret volume and a file in its home."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "theirs"}, "stringData": {"key": "geheim"}}
    node.apply(secret)
    mount = {"name": "s", "mountPath": "/secret-of-kgents"}
    main: Object = {"name": "main", "image": "none", "volumeMounts": [mount]}
    main["command"] = ["sh", "-c", "echo theirs > $HOME/file; echo up; sleep 1000"]
    name = node.run(spec={"containers": [main], "volumes": [{"name": "s", "secret": {"secretName": "theirs"}}]})
    node.said(name, "up")
    return node.folder(name)


def test_the_hives_files_and_other_pods_are_out_of_reach(node: Node, other: Path) -> None:
    paths = [node.root / "isolation.json", other / "home" / "file", other / "volumes" / "s" / "key", "/etc/shadow"]
    assert all(Path(path).exists() for path in paths)
    told = found(node, f"told = [attempt(read, path) for path in {list(map(str, paths))}]")
    assert all(answer in (*REFUSED, "") for answer in told), told


def test_the_machines_own_mounts_and_root_stay_as_they_are(node: Node) -> None:
    def seen() -> tuple[str, int, list[str]]:
        names = sorted(path.name for path in Path("/").iterdir())
        return Path("/proc/self/mountinfo").read_text(), Path("/").stat().st_ino, names

    before = seen()
    assert found(node, "told = os.listdir('/')") != before[2]
    assert seen() == before


@pytest.mark.parametrize("around", ["", "pods"], ids=["root", "pods"])
def test_a_working_directory_of_the_hives_own_is_refused(node: Node, around: str) -> None:
    name = node.run("ls", workingDir=str(node.root / around))
    node.until(name, lambda pod: waiting(pod) == "CreateContainerConfigError")
    assert "kept from pods" in json.dumps(node.pod(name)["status"])


def test_around_the_hive_everything_else_can_be_used(new_node: Callable[..., Node], tmp_path: Path) -> None:
    node = new_node(root=tmp_path / "hive")
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "hive" / "isolation.json")
    key = f"{tmp_path}/hive/isolation.json"
    script = f"""told = dict(link=attempt(read, "near/link"), dots=attempt(read, "near/../hive/isolation.json"),
        hard=attempt(os.link, "{key}", "near/hard"), moved=attempt(os.rename, "hive", "near/hive"),
        others=len(os.listdir("hive/pods")) - 1, near=attempt(write, "near/new"), here=attempt(os.listdir, "."))"""
    told = found(node, script, workingDir=str(tmp_path))
    assert {told.pop("near"), "near" in told.pop("here")} == {"done", True}
    assert told.pop("others") == 0
    assert all(answer in (*REFUSED, "OSError") for answer in told.values()), told
    assert (tmp_path / "hive" / "isolation.json").exists()


def test_a_hive_in_a_folder_that_is_reached_by_a_link(new_node: Callable[..., Node], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    node = new_node(root=tmp_path / "link" / "hive")
    node.config_map("linked", x="from the map")
    mount = {"name": "v", "mountPath": "/linked-of-kgents"}
    main: Object = {"name": "main", "image": "none", "volumeMounts": [mount]}
    main["command"] = ["sh", "-c", "cat /linked-of-kgents/x; echo; echo x > $HOME/file; echo ok; sleep 1000"]
    name = node.run(spec={"containers": [main], "volumes": [{"name": "v", "configMap": {"name": "linked"}}]})
    assert "from the map" in node.said(name, "ok")
    assert condition(node.ready(name), "MountsAtTheirPaths") == ""


def test_it_says_that_not_all_of_a_working_directory_is_open(new_node: Callable[..., Node], tmp_path: Path) -> None:
    node = new_node(root=tmp_path / "hive")
    pod = node.ready(node.run("sleep 1000", workingDir=str(tmp_path)))
    assert condition(pod, "WorkingDirOpen") == "False"


def test_nobody_outside_can_be_signalled_looked_into_or_traced(node: Node, other: Path) -> None:
    keeper = json.loads((other / "containers" / "main" / "0" / "state.json").read_bytes())
    script = f"""told = dict(keeper=attempt(read, "/proc/1/environ"), memory=attempt(open, "/proc/1/mem", "rb"),
        root=attempt(os.listdir, "/proc/1/root"), traced=attempt(call, "ptrace", 16, 1, 0, 0),
        killed=attempt(os.kill, 1, 9), parent=attempt(os.kill, os.getppid(), 15),
        numbers=attempt(os.kill, {keeper["pid"]}, 9),
        limits=attempt(lambda: __import__("resource").prlimit({keeper["pid"]}, 0, (0, 0))),
        seen=[pid for pid in os.listdir("/proc") if pid.isdigit()])"""
    told = found(node, script)
    assert len(told.pop("seen")) < 5
    assert not [answer for answer in told.values() if not str(answer).endswith("Error")], told
    assert alive(keeper["pid"]) and alive(keeper["shim"])


def test_a_signal_to_all_reaches_only_the_pod(node: Node, other: Path) -> None:
    keeper = json.loads((other / "containers" / "main" / "0" / "state.json").read_bytes())
    name = node.run("kill -9 -1; echo survived; sleep 1000", spec={})
    node.said(name, "survived")
    assert alive(keeper["pid"]) and alive(keeper["shim"]) and node.process is not None and node.process.poll() is None


def test_what_is_hidden_cannot_be_uncovered(node: Node) -> None:
    script = """new = ["unshare", "-Urm"]
told = [subprocess.run([*new, *words], capture_output=True).returncode for words in (
    ["true"], ["umount", "/dev/shm"], ["mount", "-t", "tmpfs", "x", "/tmp"], ["mount", "--bind", "/", "/tmp"])]
told += [attempt(os.mknod, "/tmp/disk", 0o60600, os.makedev(254, 0)), attempt(os.chroot, "/proc/1/root")]"""
    ran, *others = found(node, script)
    assert all(others), (ran, others)


def test_no_file_of_its_keeper_stays_open(node: Node) -> None:
    # One more: the folder that is being listed.
    assert found(node, 'told = sorted(map(int, os.listdir("/proc/self/fd")))') == [0, 1, 2, 3]


def test_probes_and_hooks_are_bounded_as_their_container_is(node: Node, other: Path) -> None:
    key = other / "home" / "file"
    look = {"exec": {"command": ["sh", "-c", f"! cat {key} && kill -0 $(cat $HOME/number)"]}, "periodSeconds": 1}
    told = 'told = attempt(lambda: open(os.environ["HOME"] + "/number", "w").write(str(os.getpid())))'
    lines = f"{PRELUDE}\n{told}\ntime.sleep(1000)"
    node.ready(node.run(command=[sys.executable, "-c", lines], readinessProbe=look))


def test_of_the_users_environment_nothing_arrives(node: Node) -> None:
    told = found(node, "told = dict(os.environ)")
    assert not {"SECRET_OF_HOST", "KUBECONFIG", "KGENTS_HOME", "VIRTUAL_ENV"} & told.keys()
    assert told["HOME"] != str(Path.home())


def test_it_cannot_get_more_rights(node: Node) -> None:
    told = found(node, 'told = [line for line in read("/proc/self/status").splitlines()]')
    status = dict(line.split(":\t", 1) for line in told if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    assert not int(status["CapEff"], 16) & (1 << 21 | 1 << 19 | 1 << 2 | 1 << 13)


def test_all_that_programs_do_still_works(node: Node, tmp_path: Path) -> None:
    script = """import multiprocessing.shared_memory as shared, pty, sqlite3, tempfile
block = shared.SharedMemory(create=True, size=8); block.unlink()
sqlite3.connect("data.db").execute("create table t (a)")
told = dict(cwd=attempt(write, "file"), tmp=attempt(write, "/tmp/file"), null=attempt(write, "/dev/null"),
    temporary=bool(tempfile.mkdtemp()), moved=attempt(os.rename, "file", "moved"), pty=bool(pty.openpty()),
    shell=subprocess.run(["sh", "-c", "echo out > /dev/stderr; git --version"], capture_output=True).returncode,
    python=subprocess.run([sys.executable, "-c", "import yaml"]).returncode)"""
    told = found(node, script, workingDir=str(tmp_path))
    done = dict.fromkeys(("cwd", "tmp", "null", "moved"), "done")
    assert told == {**done, "temporary": True, "pty": True, "shell": 0, "python": 0}
    assert (tmp_path / "moved").exists() and not Path("/tmp/file").exists()


def test_files_of_the_api_cannot_be_changed(node: Node) -> None:
    node.config_map("fixed", x="1")
    mount = {"name": "v", "mountPath": "/fixed-of-kgents"}
    main: Object = {"name": "main", "image": "none", "volumeMounts": [mount]}
    main["command"] = ["sh", "-c", "rm /fixed-of-kgents/..data || echo kept; sleep 1000"]
    name = node.run(spec={"containers": [main], "volumes": [{"name": "v", "configMap": {"name": "fixed"}}]})
    node.said(name, "kept")


def test_what_a_security_context_asks_is_given_or_its_lack_is_told(node: Node) -> None:
    context = {"runAsUser": 4321, "runAsGroup": 4321, "readOnlyRootFilesystem": True}
    script = 'told = [os.getuid(), attempt(write, "/tmp/x"), attempt(write, os.environ["HOME"] + "/x")]'
    told = found(node, script, securityContext=context)
    assert told[0] in (4321, os.geteuid()) and all(str(one).endswith("Error") for one in told[1:])


def test_a_privileged_pod_is_told_that_it_is_none(node: Node) -> None:
    pod = node.ready(node.run("sleep 1000", securityContext={"privileged": True}))
    assert condition(pod, "SecurityContextMet") == "False"


@pytest.mark.parametrize("prefix", [NO_MOUNTS, NOBODY], ids=["landlock alone", "an unprivileged user"])
def test_it_holds_without_privileges(new_node: Callable[..., Node], prefix: tuple[str, ...]) -> None:
    node = new_node(prefix=prefix)
    first = node.run("echo theirs > $HOME/file; echo up; sleep 1000")
    node.said(first, "up")
    folder, pid = node.folder(first), pid_of(node.ready(first))
    script = f"""told = dict(file=attempt(read, "{folder}/home/file"), own=attempt(write, "file"),
        environ=attempt(read, "/proc/{pid}/environ"), killed=attempt(os.kill, {pid}, 9))"""
    told = found(node, script)
    assert told.pop("own") == "done"
    assert all(str(answer).endswith("Error") for answer in told.values()), told
    assert alive(pid)
    assert json.loads((node.root / "isolation.json").read_bytes())["mode"] == "landlock"
