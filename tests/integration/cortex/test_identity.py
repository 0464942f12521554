"""Through a Cortex in a cluster nobody sees or does what RBAC denies him directly: path by path, caller by caller."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cortex.logos import WATCHED
from cortex.needs import NEEDS
from kgents.api import paths
from kgents.api.operations import table
from tests.integration.cortex import visitor
from tests.integration.cortex.visitor import Caller, Far
from tests.support import hive, kinds
from tests.support.hive import HiveApi
from tests.support.kubectl import Kubectl
from tests.support.waiting import eventually

AGENTS, SENSE, STREAM = "world.cluster.agents.manifest", "void.pheromone.sense", "world.cluster.stream"
SPEC: dict[str, Any] = {"command": ["/bin/true"]}
pytestmark = pytest.mark.embedded("gives Cortex rights in the whole cluster")


@dataclass(frozen=True)
class Row:
    """How a path is called, and what each caller may: himself, in his namespace; and what nobody else may see.

    `agent`, `reader`: whether the ServiceAccount of the agent, and the reader of one namespace, may do this there.
    `nobody`: whether who has no rights at all may. Nobody of them may do it in the other namespace.
    """

    names: dict[str, str]
    arguments: dict[str, Any]
    agent: bool = False
    reader: bool = False
    nobody: bool = False
    everywhere: bool = False
    """It is of the hive and of no namespace: only who may see all of it gets an answer."""


PATCH = {"target": "scout", "reason": "a test", "patch": {"spec": {"replicas": 2}}}
ROWS: dict[str, Row] = {
    "agents.list": Row({}, {}, reader=True),
    "agents.get": Row({"agent": "scout"}, {}, reader=True),
    "agents.define": Row({"agent": "made"}, {"spec": SPEC}),
    "agents.suspend": Row({"agent": "scout"}, {}),
    "agents.resume": Row({"agent": "scout"}, {}),
    "agents.terminate": Row({"agent": "spare"}, {}),
    "agents.witness": Row({"agent": "scout"}, {}, reader=True),
    "agents.adopt": Row({"agent": "adopted"}, {"workload": "deploy/scout"}),
    "agents.release": Row({"agent": "taken"}, {}),
    "agents.tether": Row({"agent": "scout"}, {}),
    "cluster.apply": Row(
        {},
        {"objects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}, "data": {"a": "b"}}]},
    ),
    "cluster.manifest": Row({}, {}, reader=True),
    "cluster.brakes": Row({}, {}, everywhere=True),
    "cluster.freeze": Row({}, {"reason": "a test"}, everywhere=True),
    "cluster.thaw": Row({}, {}, everywhere=True),
    "cluster.stream": Row({}, {"logs": True}, reader=True),
    "objects.get": Row({"kind": "agents", "name": "scout"}, {}, reader=True),
    "pheromones.sense": Row({}, {}, agent=True, reader=True),
    "pheromones.emit": Row({}, {"type": "STATE", "source": "scout", "payload": "x"}, agent=True),
    "proposals.list": Row({}, {}, reader=True),
    "proposals.get": Row({"proposal": "wish"}, {}, reader=True),
    "proposals.define": Row({}, PATCH, agent=True),
    "proposals.diff": Row({"proposal": "wish"}, {}, reader=True),
    "proposals.approve": Row({"proposal": "wish"}, {"digest": "sha256:x"}),
    "proposals.reject": Row({"proposal": "wish"}, {"reason": "a test"}),
    "proposals.rollback": Row({"proposal": "wish"}, {"reason": "a test"}),
    "witness.explain": Row({"name": "agent/scout"}, {}, reader=True),
    "witness.audit": Row({}, {}, reader=True),
    "witness.verify": Row({}, {}, everywhere=True),
    "memory.manifest": Row({}, {}, everywhere=True),
    "witness.stream": Row({}, {}, agent=True, reader=True),
}
ONLY_WATCHED = frozenset({"cluster.stream"})
ELSEWHERE = ROWS.keys() - table.IDS - NEEDS.keys()
"""What Cortex has no answer to: the next layer has, on the caller's own machine."""
NO = ("PERMISSION_DENIED", "UNIMPLEMENTED")


@dataclass(frozen=True)
class Place:
    """A Cortex, two namespaces with the same in each, and who calls."""

    far: Far
    mine: str
    other: str
    nobody: Caller
    reader: Caller
    agent: Caller
    admin: Caller
    kubectl: Kubectl

    def ask(self, caller: Caller, id: str, namespace: str) -> str:
        row = ROWS[id]
        path = paths.path_of(id, **row.names)
        if id in ONLY_WATCHED:
            return caller.opening(path, namespace, **row.arguments)
        return caller.refusal(path, namespace, **row.arguments)


READS = "agents.kgents.io,pheromones.kgents.io,proposals.kgents.io,memories.kgents.io,umwelts.kgents.io,pods,events"


def grant(kubectl: Kubectl, namespace: str, account: str, name: str, verbs: str, resources: str) -> None:
    kubectl("create", "role", name, "-n", namespace, f"--verb={verbs}", f"--resource={resources}")
    kubectl("create", "rolebinding", name, "-n", namespace, f"--role={name}", f"--serviceaccount={account}")


def furnish(kubectl: Kubectl, namespace: str) -> None:
    """An agent, one to delete, one that adopts a workload, a signal and a proposal."""
    about = {"apiVersion": "kgents.io/v1", "kind": "Agent", "spec": SPEC}
    made = [{**about, "metadata": {"name": name, "namespace": namespace}} for name in ("scout", "spare")]
    adopts = {"workloadRef": {"kind": "Deployment", "name": "scout"}}
    made.append({**about, "metadata": {"name": "taken", "namespace": namespace}, "spec": adopts})
    signal = {"type": "WARNING", "source": "scout", "payload": f"of {namespace}", "halfLife": "1h"}
    proposal = {"target": {"apiVersion": "kgents.io/v1", "kind": "Agent", "name": "scout"}, "reason": "a test"}
    proposal |= {"proposer": "kubernetes-admin", "patch": {"type": "Merge", "content": {"spec": {"replicas": 2}}}}
    for kind, name, spec in (("Pheromone", "smell", signal), ("Proposal", "wish", proposal)):
        made.append({**about, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec})
    listed = {"apiVersion": "v1", "kind": "List", "items": made}
    kubectl("create", "-f", "-", input=json.dumps(listed))


@pytest.fixture(scope="module")
def place(api_with_kinds: HiveApi, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("far")
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="kg") as home:
        patch.setenv("KGENTS_HOME", home)
        mine, other = (f"{name}-{folder.name[-1]}-{Path(home).name.lower().replace('_', '')}" for name in ("a", "b"))
        config = visitor.install(kubectl, folder)
        for namespace in (mine, other):
            kubectl.make_namespace(namespace)
            furnish(kubectl, namespace)
        for account in ("nobody", "reader", "scout"):
            kubectl.make_account(account, mine)
        grant(kubectl, mine, f"{mine}:reader", "reader", "get,list,watch", READS)
        grant(kubectl, mine, f"{mine}:reader", "reader-logs", "get", "pods/log")
        grant(kubectl, mine, f"{mine}:scout", "scout", "get,list,watch,create", "pheromones.kgents.io")
        grant(kubectl, mine, f"{mine}:scout", "scout-asks", "create", "proposals.kgents.io")
        far = visitor.start(config, folder)
        try:
            nobody, reader, agent = (
                Caller(far, visitor.token(kubectl, name, mine)) for name in ("nobody", "reader", "scout")
            )
            admin = Caller(far, api_with_kinds.token)
            eventually(lambda: len(admin.invoke(SENSE, other)) == 1)
            yield Place(far, mine, other, nobody, reader, agent, admin, kubectl)
        finally:
            far.stop()
            kubectl("delete", "namespace", mine, other, "--wait=false")


@pytest.fixture
def newcomer(place: Place) -> Iterator[Callable[..., Caller]]:
    """Makes ServiceAccounts in the place's namespace, with the rights that are given, and callers of them."""
    made: list[str] = []

    def make(name: str, verbs: str = "", resources: str = "", *options: str) -> Caller:
        place.kubectl.make_account(name, place.mine)
        made.append(name)
        if verbs:
            grant(place.kubectl, place.mine, f"{place.mine}:{name}", name, verbs, resources)
        return Caller(place.far, visitor.token(place.kubectl, name, place.mine, *options))

    yield make
    for name in made:
        for kind in ("rolebinding", "role", "serviceaccount"):
            place.kubectl("delete", kind, name, "-n", place.mine, "--ignore-not-found")


def test_every_path_has_its_row() -> None:
    assert {entry.id for entry in paths.REGISTRY} == ROWS.keys(), "say here who may do the new path, and who may not"


@pytest.mark.parametrize("id", ROWS)
def test_who_has_no_rights_gets_nothing(place: Place, id: str) -> None:
    found = {namespace: place.ask(place.nobody, id, namespace) for namespace in (place.mine, place.other, "")}

    assert {code for code in found.values() if code not in NO} == set(), found


@pytest.mark.parametrize("id", ROWS)
@pytest.mark.parametrize("who", ["reader", "agent"])
def test_who_has_some_rights_gets_that_and_no_more(place: Place, who: str, id: str) -> None:
    caller, allowed = (place.reader, ROWS[id].reader) if who == "reader" else (place.agent, ROWS[id].agent)

    assert place.ask(caller, id, place.other) in NO
    assert (place.ask(caller, id, place.mine) not in NO) == allowed


def test_what_is_of_the_callers_own_machine_is_left_to_it(place: Place) -> None:
    assert "memory.manifest" in ELSEWHERE
    assert place.ask(place.admin, "memory.manifest", place.mine) == "UNIMPLEMENTED"


@pytest.mark.parametrize("id", ROWS)
def test_who_may_do_all_is_not_hindered(place: Place, id: str) -> None:
    refused = place.ask(place.admin, id, place.other)

    assert (refused in NO) == (id in ELSEWHERE), refused


@pytest.mark.parametrize("id", [*WATCHED, "cluster.stream"])
def test_a_watch_is_opened_to_nobody_else_either(place: Place, id: str) -> None:
    row = ROWS[id]
    path = paths.path_of(id, **row.names)
    opened = {
        (name, namespace): caller.opening(path, namespace, **row.arguments)
        for name, caller in (("nobody", place.nobody), ("reader", place.reader), ("agent", place.agent))
        for namespace in (place.mine, place.other)
    }

    allowed = {("reader", place.mine)} | ({("agent", place.mine)} if row.agent else set())
    assert {key for key, code in opened.items() if code not in NO} == allowed, opened


def test_a_log_is_followed_by_nobody_who_may_not_read_it(place: Place) -> None:
    path = paths.path_of("agents.witness", agent="scout")
    others = [(place.nobody, place.mine), (place.agent, place.mine), (place.reader, place.other)]

    assert {caller.opening(path, namespace) for caller, namespace in others} == {"PERMISSION_DENIED"}


def test_a_list_of_all_namespaces_holds_those_that_one_may_see(place: Place) -> None:
    seen = {row["namespace"] for row in place.reader.invoke(AGENTS)}
    smelt = {row["namespace"] for row in place.agent.invoke(SENSE)}
    (status,) = place.reader.invoke("world.cluster.manifest")

    assert (seen, smelt) == ({place.mine}, {place.mine})
    assert {place.mine, place.other} <= {row["namespace"] for row in place.admin.invoke(AGENTS)}
    assert status["agents"]["total"] == len(place.reader.invoke(AGENTS))


def test_one_that_is_elsewhere_is_not_found_by_its_name_alone(place: Place) -> None:
    place.admin.invoke("world.cluster.agents.hidden.define", place.other, spec=SPEC)
    eventually(lambda: "hidden" in {row["name"] for row in place.admin.invoke(AGENTS, place.other)})

    there = place.reader.trouble("world.cluster.agents.hidden.manifest")
    nowhere = place.reader.trouble("world.cluster.agents.nowhere.manifest")

    assert there[0] == nowhere[0] == "NOT_FOUND"
    assert there[1].replace("hidden", "nowhere") == nowhere[1]


def test_details_hold_no_more_than_their_parts_allow(place: Place, newcomer: Callable[..., Caller]) -> None:
    plain = newcomer("plain", "get,list,watch", "agents.kgents.io")

    (whole,) = place.reader.invoke("world.cluster.agents.scout.manifest", place.mine)
    (part,) = plain.invoke("world.cluster.agents.scout.manifest", place.mine)
    (status,) = plain.invoke("world.cluster.manifest", place.mine)

    assert whole["pheromones"] and whole["proposals"]
    assert (part["pheromones"], part["proposals"], part["pods"]) == ([], [], [])
    assert [one["kind"] for one in status["kinds"]] == ["Agent"]


def test_the_stream_of_a_hive_holds_what_one_may_see_of_it(place: Place, newcomer: Callable[..., Caller]) -> None:
    plain = newcomer("listener", "get,list,watch", "agents.kgents.io")
    heard: list[tuple[str, str]] = []

    with plain.watch(STREAM, logs=True) as call:
        for event in call:
            if event.type == "SYNCED":
                place.admin.invoke("void.pheromone.emit", place.mine, type="STATE", source="x", payload="not for all")
                place.admin.invoke("void.pheromone.emit", place.other, type="STATE", source="x", payload="secret")
                place.admin.invoke("world.cluster.agents.late.define", place.other, spec=SPEC)
                place.admin.invoke("world.cluster.agents.soon.define", place.mine, spec=SPEC)
            elif event.item and event.resource != "brakes":
                row = json.loads(event.item)
                heard.append((event.resource, row["namespace"]))
                if row.get("name") == "soon" and event.resource == "witness":
                    break

    assert {namespace for _, namespace in heard} == {place.mine}
    assert {resource for resource, _ in heard} <= {"agents", "activity", "witness"}


@pytest.mark.parametrize("path", [AGENTS, STREAM])
def test_a_right_that_is_withdrawn_ends_the_watch(place: Place, newcomer: Callable[..., Caller], path: str) -> None:
    name = f"leaver-{len(path)}"
    leaver = newcomer(name, "get,list,watch", "agents.kgents.io")
    with leaver.watch(path, place.mine) as call:
        assert next(iter(call)) is not None
        place.kubectl("delete", "rolebinding", name, "-n", place.mine)
        with pytest.raises(grpc.RpcError) as ended:
            for _ in call:
                pass

    assert ended.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_a_right_to_one_part_that_is_withdrawn_narrows_the_stream(
    place: Place, newcomer: Callable[..., Caller]
) -> None:
    caller = newcomer("narrowed", "get,list,watch", "agents.kgents.io")
    grant(
        place.kubectl, place.mine, f"{place.mine}:narrowed", "narrowed-more", "get,list,watch", "pheromones.kgents.io"
    )

    def told() -> tuple[set[str], str]:
        found: set[str] = set()
        with caller.watch(STREAM, place.mine) as call:
            for event in call:
                if event.type == "SYNCED":
                    break
                found.add(event.resource)
        return found, event.type

    assert "pheromones" in told()[0]
    with caller.watch(STREAM, place.mine) as call:
        next(iter(call))
        place.kubectl("delete", "rolebinding", "narrowed-more", "-n", place.mine)
        last = [event.type for event in call][-1]
    assert last == "RESYNC"
    assert "pheromones" not in told()[0]


def test_a_watch_ends_with_the_account_that_watches(place: Place, newcomer: Callable[..., Caller]) -> None:
    gone = newcomer("gone", "get,list,watch", "agents.kgents.io")
    with gone.watch(AGENTS, place.mine) as call:
        next(iter(call))
        place.kubectl("delete", "serviceaccount", "gone", "-n", place.mine)
        with pytest.raises(grpc.RpcError) as ended:
            for _ in call:
                pass

    assert ended.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert gone.refusal(AGENTS, place.mine) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "shown", [None, "", "garbage", "a.b.c", "x" * 7000, "eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.", "two words"]
)
def test_a_token_that_is_none_is_refused(place: Place, shown: str | None) -> None:
    for path, namespace in ((AGENTS, ""), ("world.cluster.agents.x.define", place.mine)):
        assert Caller(place.far, shown).refusal(path, namespace) == "UNAUTHENTICATED"
        assert Caller(place.far, shown).opening(path, namespace) == "UNAUTHENTICATED"


def test_a_huge_token_is_refused(place: Place) -> None:
    assert Caller(place.far, "x" * 100_000).refusal(AGENTS) in ("UNAUTHENTICATED", "RESOURCE_EXHAUSTED")
    assert place.admin.refusal(AGENTS) == ""


def test_a_token_for_somebody_else_is_refused(place: Place, newcomer: Callable[..., Caller]) -> None:
    meant = newcomer("elsewhere", "get,list", "agents.kgents.io", "--audience=somewhere.example")

    assert meant.refusal(AGENTS, place.mine) == "UNAUTHENTICATED"


def test_two_tokens_at_once_are_none(place: Place) -> None:
    both = Caller(place.far, place.nobody.token, (("authorization", f"Bearer {place.admin.token}"),))

    assert both.refusal(AGENTS) == "UNAUTHENTICATED"


@pytest.mark.parametrize("header", ["impersonate-user", "impersonate-group", "impersonate-uid", "x-remote-user"])
def test_who_says_that_he_is_another_stays_who_he_is(place: Place, header: str) -> None:
    group = "system:masters" if "group" in header else "kubernetes-admin"
    forger = Caller(place.far, place.nobody.token, ((header, group), ("impersonate-extra-scopes", "x")))

    assert forger.refusal(AGENTS) == "PERMISSION_DENIED"
    assert forger.refusal("world.cluster.agents.forged.define", place.mine, spec=SPEC) == "PERMISSION_DENIED"


def test_health_and_reflection_are_for_callers_only(place: Place) -> None:
    channel, _ = place.nobody.stub()
    with channel:
        stub = health_pb2_grpc.HealthStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Check(health_pb2.HealthCheckRequest(), timeout=visitor.RPC_SECONDS)
        said = (("authorization", f"Bearer {place.nobody.token}"),)
        answer = stub.Check(health_pb2.HealthCheckRequest(), metadata=said, timeout=visitor.RPC_SECONDS)

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_callers_at_once_never_get_each_others_answers(place: Place) -> None:
    def seen(caller: Caller) -> frozenset[str]:
        return frozenset(row["namespace"] for row in caller.invoke(AGENTS))

    def refused(caller: Caller) -> str:
        return caller.refusal(AGENTS)

    everything = seen(place.admin)
    with ThreadPoolExecutor(8) as pool:
        readers = [pool.submit(seen, place.reader) for _ in range(30)]
        admins = [pool.submit(seen, place.admin) for _ in range(30)]
        nobodies = [pool.submit(refused, place.nobody) for _ in range(30)]

    assert {future.result() for future in readers} == {frozenset({place.mine})}
    assert {future.result() for future in admins} == {everything}
    assert {future.result() for future in nobodies} == {"PERMISSION_DENIED"}


def test_a_write_bears_its_callers_name(place: Place) -> None:
    place.agent.invoke("self.deployment.define", place.mine, **PATCH, name="signed")

    made = place.kubectl.json("get", "proposals.kgents.io", "signed", "-n", place.mine)

    assert made["spec"]["proposer"] == f"system:serviceaccount:{place.mine}:scout"


def test_cortex_itself_is_refused_nothing_that_it_needs(place: Place) -> None:
    assert [line for line in place.far.log if "forbidden" in line.lower() or "Traceback" in line] == []


def test_the_certificate_is_renewed_without_a_restart(place: Place) -> None:
    old = place.far.pair.certificate.read_bytes()
    place.far.pair.key.write_text("half a key")
    assert place.admin.refusal(AGENTS) == "", "what cannot be used leaves what there was"

    place.far.pair.write()

    assert place.far.pair.certificate.read_bytes() != old
    eventually(lambda: place.admin.refusal(AGENTS) == "")
    assert any("renewed" in line for line in place.far.log)


@pytest.mark.parametrize("missing", ["--tls-cert", "--tls-key"])
def test_it_never_listens_without_tls(api_with_kinds: HiveApi, missing: str) -> None:
    other = {"--tls-cert": "--tls-key", "--tls-key": "--tls-cert"}[missing]
    command = [sys.executable, "-P", "-m", "cortex", "--kubeconfig", str(api_with_kinds.kubeconfig)]
    command += ["--listen", "127.0.0.1:0", other, "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2 and "TLS" in done.stderr


def test_while_the_api_server_is_away_nobody_is_let_in(kubectl: Kubectl, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="kg") as home:
        patch.setenv("KGENTS_HOME", home)
        api = hive.start(tmp_path / "api")
        own = Kubectl(api.kubeconfig)
        with contextlib.ExitStack() as until:
            until.callback(api.kill)
            kinds.ensure(own)
            config = visitor.install(own, tmp_path)
            own.make_account("late", "default")
            late_token = visitor.token(own, "late", "default")
            far = visitor.start(config, tmp_path)
            until.callback(far.stop)
            admin = Caller(far, api.token)
            eventually(lambda: admin.refusal(AGENTS) == "")

            api.kill()

            assert Caller(far, late_token).trouble(AGENTS)[0] == "UNAVAILABLE"
            assert Caller(far, "garbage").refusal(AGENTS) in ("UNAVAILABLE", "UNAUTHENTICATED")
            assert admin.refusal("world.cluster.agents.x.define", "default", spec=SPEC) == "UNAVAILABLE"
            eventually(lambda: admin.refusal(AGENTS) == "UNAVAILABLE")
            assert "cannot say" in "".join(admin.trouble(SENSE))
