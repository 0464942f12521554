"""The attack book, from inside a pod's process: files, processes, sockets and ports of the machine, and floods."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from operators.agent.sidecar import PORT as MEMORY_PORT
from tests.e2e.rogue import DONE, ENVELOPE, IDLE, Rogue
from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e
MEMORY = {"enabled": True, "type": "KeyValue", "size": "10Mi"}
SIGNALS = "/apis/kgents.io/v1/namespaces/default/pheromones"
RAIDER = """
import http.client, json, os, signal, ssl, sys, time, urllib.request, urllib.error
def look(path):
    try:
        return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read().decode(errors="replace")
    except OSError as error:
        return type(error).__name__
def write(path):
    try:
        with open(path, "a") as file:
            file.write(" ")
        return "written"
    except OSError as error:
        return type(error).__name__
def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
        return "killed"
    except OSError as error:
        return type(error).__name__
def call(url, body=None):
    context = ssl._create_unverified_context()
    asked = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(asked, timeout=20, context=context).status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__
asked = json.loads(sys.argv[1])
review = json.dumps(asked["review"]).encode()
told = {
    "read": {path: look(path) for path in asked["files"]},
    "write": {path: write(path) for path in asked["files"]},
    "kill": {pid: kill(int(pid)) for pid in asked["pids"]},
    "call": {url: call(url) for url in asked["urls"]},
    "forge": {url: call(url, review) for url in asked["hooks"]},
    "memory": {url: call(url) for url in asked["memory"]},
    "preload": write("/etc/ld.so.preload"),
    "umwelt": write(os.environ["KGENTS_UMWELT"]),
}
print("told " + json.dumps(told), flush=True)
time.sleep(100000)
"""


def agent(name: str, command: list[str], **more: Any) -> str:
    spec = {"command": command, "umwelt": ENVELOPE, "config": {"note": "a secret of mine"}, **more}
    return json.dumps({"apiVersion": "kgents.io/v1", "kind": "Agent", "metadata": {"name": name}, "spec": spec})


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("hive"))
    machine("infra", "init")
    machine.kubectl("create", "-f", "-", input=agent("rogue", IDLE))
    machine.kubectl("create", "-f", "-", input=agent("victim", IDLE, symbionts={"memory": MEMORY}))
    eventually(lambda: {row["phase"] for row in machine.agents().values()} == {"Running"})
    yield machine
    machine.clear()


@pytest.fixture(scope="module")
def processes(hive: Machine) -> dict[str, int]:
    """The hive's own, by pid, as they are before the raid."""
    said = hive.supervisor()
    return {"supervisor": said["pid"], **{name: one["pid"] for name, one in said["processes"].items()}}


@pytest.fixture(scope="module")
def net(hive: Machine) -> str:
    """The first two numbers of the hive's loopback net."""
    return ".".join(
        json.loads((hive.hive / "kubeconfig").read_text())["clusters"][0]["cluster"]["server"][8:].split(".")[:2]
    )


@pytest.fixture(scope="module")
def keys(hive: Machine) -> dict[Path, bytes]:
    """What the hive's and the user's secrets hold before the raid."""
    paths = [hive.hive / "tokens.json", hive.hive / "kubeconfig", hive.kubeconfig, *(hive.hive / "pki").iterdir()]
    return {path: path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def raid(hive: Machine, keys: dict[Path, bytes], processes: dict[str, int], net: str) -> Any:
    """What an agent's process has found, and what it was told."""
    others = [path for path in hive.hive.glob("pods/*") if path.is_dir()]
    files = [hive.hive / name for name in ("tokens.json", "kubeconfig", "pki", "store", "log", "supervisor.json")]
    files += [hive.kubeconfig, *others, *(hive.home / "run").glob("*")]
    files += [Path(f"/proc/{pid}/{name}") for pid in processes.values() for name in ("environ", "cmdline", "mem")]
    request = {"uid": "u", "userInfo": {"username": "system:serviceaccount:default:victim"}, "object": {"spec": {}}}
    asked = {
        "files": list(map(str, files)),
        "pids": list(map(str, processes.values())),
        "urls": [f"https://{net}.0.1:6443/api/v1/secrets", f"https://{net}.0.2:10250/pods"],
        "hooks": [f"https://{net}.0.3:9443/{path}" for path in ("proposals", "pheromones", "", "%2e%2e/proposals")],
        "review": {"request": request},
    }
    pods = ("get", "pods", "-l", "kgents.io/agent=victim", "--field-selector", "status.phase=Running")
    victim = eventually(lambda: hive.kubectl(*pods, "-o", "jsonpath={.items[*].status.podIP}")).split()[0]
    asked["memory"] = [f"http://{victim}:{MEMORY_PORT}/v1/{path}" for path in ("keys/a", "search?q=a", "snapshot")]
    words = [sys.executable, "-c", RAIDER, json.dumps(asked)]
    hive.kubectl("create", "-f", "-", input=agent("raider", words))

    def told() -> str:
        log = hive.kubectl.run("logs", "deployment/raider").stdout
        return next((line for line in log.splitlines() if line.startswith("told ")), "")

    return json.loads(eventually(told, timeout=180).removeprefix("told "))


NOWHERE = {"FileNotFoundError", "PermissionError", "ProcessLookupError", "NotADirectoryError"}


def test_it_reads_nothing_of_the_hive_nor_of_other_pods(raid: Any) -> None:
    assert {path: said for path, said in raid["read"].items() if said and str(said) not in NOWHERE} == {}


def test_it_writes_nothing_there(raid: Any, keys: dict[Path, bytes]) -> None:
    # What stands below /tmp may well be "written": in a /tmp of its own.
    assert {path: path.read_bytes() for path in keys} == keys
    assert raid["preload"] in NOWHERE | {"OSError"}


def test_it_does_not_change_what_it_may_do(raid: Any) -> None:
    assert raid["umwelt"] in NOWHERE | {"OSError"}


def test_it_ends_none_of_the_hives_processes(hive: Machine, raid: Any, processes: dict[str, int]) -> None:
    assert set(raid["kill"].values()) <= {"ProcessLookupError", "PermissionError"}
    assert {name: hive.pid(name) for name in processes if name != "supervisor"} == {
        name: pid for name, pid in processes.items() if name != "supervisor"
    }


def test_ports_of_the_hive_answer_nobody_without_credentials(raid: Any) -> None:
    assert set(raid["call"].values()) <= {401, 403, "URLError", "SSLError", "RemoteDisconnected"}


def test_anothers_memory_opens_to_nobody_without_its_token(raid: Any) -> None:
    assert set(raid["memory"].values()) == {401}


def test_a_forged_review_is_not_heard(raid: Any) -> None:
    assert set(raid["forge"].values()) == {404}


def test_a_flood_is_refused_counted_and_held_against_nobody_else(hive: Machine) -> None:
    rogue, victim, count = Rogue.turn(hive, "rogue"), Rogue.turn(hive, "victim"), 1_500
    spec = {"type": "TEST", "source": "rogue", "ttl": "10m"}
    body = {"apiVersion": "kgents.io/v1", "kind": "Pheromone", "metadata": {"generateName": "f-"}, "spec": spec}

    def flood(number: int) -> list[tuple[int, str]]:
        http = rogue.http()
        return [http.post(SIGNALS, body) for _ in range(count // 6)]

    begun = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        flooding = [pool.submit(flood, number) for number in range(6)]
        assert victim.create("Pheromone", {"type": "WARNING", "source": "victim"}) == DONE
        answers = [answer for one in flooding for answer in one.result()]
    seconds = time.monotonic() - begun
    passed = Counter(status for status, _ in answers)
    assert set(passed) == {201, 429} and passed[201] <= 100 + 10 * seconds + 1
    assert any(f"({passed[429]} refused so far): wait" in said for _, said in answers)
    assert len(hive.kubectl.json("get", "pheromones")["items"]) < 100 + 10 * seconds + 50


@pytest.fixture(scope="module")
def flooded(hive: Machine) -> Counter[int]:
    """How 300 proposals, as fast as they can be made, were answered."""
    rogue = Rogue.turn(hive, "rogue")
    path = "/apis/kgents.io/v1/namespaces/default/proposals"
    http = rogue.http()

    def spec(number: int) -> dict[str, Any]:
        patch = {"content": {"spec": {"image": f"i{number}"}}}
        return {"target": {"kind": "Agent", "name": "rogue"}, "patch": patch, "reason": "x", "proposer": rogue.user}

    made = {"apiVersion": "kgents.io/v1", "kind": "Proposal", "metadata": {"generateName": "f-"}}
    return Counter(http.post(path, {**made, "spec": spec(number)})[0] for number in range(300))


def test_proposals_without_end_are_refused_too(flooded: Counter[int]) -> None:
    assert set(flooded) == {201, 429} and flooded[429] > 200


@pytest.mark.usefixtures("flooded")
def test_many_small_changes_are_not_many_small_risks(hive: Machine) -> None:
    rogue = Rogue.turn(hive, "rogue")

    def phases() -> Counter[str]:
        found = hive.kubectl.json("get", "proposals")["items"]
        return Counter((one.get("status") or {}).get("phase", "Pending") for one in found)

    eventually(lambda: phases()["Pending"] == 0)
    eventually(lambda: rogue.propose({"spec": {"config": {"note": "other"}}}, name="small") == DONE)
    status = eventually(lambda: hive.kubectl.json("get", "proposal", "small").get("status"))
    assert status["phase"] in ("Reviewing", "Blocked") and status["risk"]["velocity"] == 0.5


@pytest.mark.usefixtures("flooded")
def test_what_waits_for_people_is_bounded(hive: Machine) -> None:
    found = hive.kubectl.json("get", "proposals")["items"]
    assert (
        Counter(
            one["spec"]["proposer"]
            for one in found
            if (one.get("status") or {}).get("phase") in ("Reviewing", "Blocked")
        )["system:serviceaccount:default:rogue"]
        <= 30
    )
