"""Lists of a moment, in pages, and what is refused, as Kubernetes' own storage tests have it."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from kgents.api.kinds import CONFIG_MAP
from kgents.embedded.apiserver.store.records import HISTORY
from kgents.kube.client import KubeClient
from kgents.kube.config import load
from tests.integration.apiserver.conftest import Things
from tests.support import hive

FUTURE = 9_000_000_000_000
EXACT = {"resourceVersionMatch": "Exact"}


def token(**value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps({"v": "meta.k8s.io/v1", **value}).encode()).decode().rstrip("=")


def test_pages_are_of_one_moment_whatever_is_written_meanwhile(things: Things) -> None:
    for name in "abcde":
        things.create(name)
    first = things.get(limit=2).body
    things.delete("c")
    things.create("bb")
    later = things.get(limit=2, **{"continue": first["metadata"]["continue"]}).body
    assert [item["metadata"]["name"] for item in later["items"]] == ["c", "d"]
    assert later["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert (first["metadata"]["remainingItemCount"], later["metadata"]["remainingItemCount"]) == (3, 1)


def test_a_page_of_selected_objects_goes_on_while_there_are_objects_at_all(things: Things) -> None:
    for name in "abc":
        things.create(name, chosen="yes" if name == "a" else "no")
    told = things.get(limit=1, labelSelector="chosen=yes").body["metadata"]
    assert "remainingItemCount" not in told
    rest = things.get(limit=1, labelSelector="chosen=yes", **{"continue": told["continue"]}).body
    assert (rest["items"], "continue" in rest["metadata"]) == ([], False)


def test_one_object_by_its_name_is_a_whole_list(things: Things) -> None:
    for name in "abc":
        things.create(name, colour="red")
    query = {"fieldSelector": "metadata.name=b", "limit": "1"}
    told = things.get(**query).body
    assert ([one["metadata"]["name"] for one in told["items"]], "continue" in told["metadata"]) == (["b"], False)
    assert things.names(**query, labelSelector="colour=blue") == []
    assert things.names(fieldSelector="metadata.name=b,metadata.name=c") == []


def test_a_version_with_a_limit_is_meant_exactly(things: Things) -> None:
    version = things.create("a")
    things.create("b")
    listed = things.get(limit=5, resourceVersion=version).body
    assert [item["metadata"]["name"] for item in listed["items"]] == ["a"]
    assert listed["metadata"]["resourceVersion"] == str(version)


def test_a_version_without_a_limit_means_at_least(things: Things) -> None:
    version = things.create("a")
    things.create("b")
    assert things.names(resourceVersion=version) == ["a", "b"]
    assert things.names(resourceVersion=version, limit=1, resourceVersionMatch="NotOlderThan") == ["a"]


def test_any_version_ignores_the_limit_as_kubernetes_cache_does(things: Things) -> None:
    things.create("a")
    things.create("b")
    assert things.names(resourceVersion=0, limit=1) == ["a", "b"]


def test_lists_follow_the_paths_in_which_kubernetes_stores(things: Things) -> None:
    things.client.request({"method": "POST", "path": "/api/v1/namespaces", "body": _namespace(things.namespace + "-b")})
    for path in (things.namespace, things.namespace + "-b"):
        body = {"metadata": {"name": "x"}}
        things.client.request({"method": "POST", "path": f"/api/v1/namespaces/{path}/configmaps", "body": body})
    listed = things.client.request({"method": "GET", "path": "/api/v1/configmaps"}).body["items"]
    found = [
        one["metadata"]["namespace"] for one in listed if one["metadata"]["namespace"].startswith(things.namespace)
    ]
    # "ns-b/x" comes before "ns/x": a dash comes before a slash.
    assert found == [things.namespace + "-b", things.namespace]
    things.client.request({"method": "DELETE", "path": f"/api/v1/namespaces/{things.namespace}-b"})


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def test_tokens_are_kubernetes_own_and_say_where_to_go_on(things: Things) -> None:
    for name in "abc":
        things.create(name)
    told = things.get(limit=1).body["metadata"]
    padded = told["continue"] + "=" * (-len(told["continue"]) % 4)
    value = json.loads(base64.urlsafe_b64decode(padded))
    assert value == {"v": "meta.k8s.io/v1", "rv": int(told["resourceVersion"]), "start": "a\0"}
    assert things.names(**{"continue": token(rv=-1, start="b")}) == ["b", "c"]


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense!",
        "e30",
        token(rv=0, start="a"),
        token(rv=5, start=""),
        token(rv=5, start="../x"),
        token(rv="5", start="a"),
        base64.urlsafe_b64encode(b'{"v":"v9","rv":1,"start":"a"}').decode(),
        "WzEsMl0",
    ],
)
def test_a_token_that_is_none_is_refused(things: Things, bad: str) -> None:
    reply = things.get(**{"continue": bad})
    assert (reply.status, reply.body["message"][:25]) == (400, "continue key is not valid")


def test_a_version_from_the_future_is_not_there_yet(things: Things) -> None:
    things.create("a")
    for query in ({}, EXACT, {"limit": 1}):
        reply = things.get(resourceVersion=FUTURE, **query)
        assert (reply.status, reply.body["reason"], reply.headers["Retry-After"]) == (504, "Timeout", "1")
    assert things.get("/a", resourceVersion=FUTURE).status == 504
    assert things.get(**{"continue": token(rv=FUTURE, start="a")}).status == 504


@pytest.mark.parametrize("bad", ["abc", "-1", "1.5", "²", "18446744073709551616", "9" * 5000])
def test_what_is_no_version_is_refused(things: Things, bad: str) -> None:
    assert things.get(resourceVersion=bad).status == 400
    assert things.watch(resourceVersion=bad).response.status == 400
    assert things.get("/a", resourceVersion=bad).status == 400


@pytest.mark.parametrize("bad", ["two", "", "1.5", "9223372036854775808", "٣"])
def test_what_is_no_limit_is_refused(things: Things, bad: str) -> None:
    assert things.get(limit=bad).status == 400


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({"resourceVersionMatch": "Exact"}, 1),
        ({"resourceVersionMatch": "Roughly", "continue": "x"}, 3),
        ({"resourceVersionMatch": "NotOlderThan", "resourceVersion": "1", "continue": "x"}, 1),
        ({"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "resourceVersion": "1"}, 1),
    ],
)
def test_options_that_do_not_go_together_are_refused_one_by_one(
    things: Things, query: dict[str, str], causes: int
) -> None:
    reply = things.get(**query)
    assert (reply.status, len(reply.body["details"]["causes"])) == (422, causes)


async def change_much(api: hive.HiveApi) -> None:
    """Makes more changes than the history of one resource holds."""
    async with KubeClient(load(path=api.kubeconfig)) as client:

        async def change(name: str) -> None:
            for number in range(HISTORY // 3 + 10):
                await client.patch(CONFIG_MAP, name, {"data": {"n": str(number)}}, "default")

        await asyncio.gather(*(change(name) for name in "abc"))


def test_history_that_is_gone_is_410_and_a_list_in_pages_can_go_on_all_the_same(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    things = Things(api, "default")
    for name in "abc":
        things.create(name)
    told = things.get(limit=1).body["metadata"]
    asyncio.run(change_much(api))
    reply = things.get(limit=1, **{"continue": told["continue"]})
    assert (reply.status, reply.body["reason"]) == (410, "Expired")
    assert reply.body["message"].startswith("The provided continue parameter is too old")
    assert things.names(**{"continue": reply.body["metadata"]["continue"]})[0] == "b"
    reply = things.get(resourceVersion=told["resourceVersion"], **EXACT)
    assert (reply.status, reply.body["message"]) == (410, "The resourceVersion for the provided list is too old.")
    api.stop()


def test_events_are_selected_by_the_names_of_their_group(things: Things) -> None:
    about = {"involvedObject": {"namespace": things.namespace, "kind": "Pod", "name": "p"}}
    core = f"/api/v1/namespaces/{things.namespace}/events"
    body = {"metadata": {"name": "e"}, "reason": "R", "reportingComponent": "c", **about}
    things.client.request({"method": "POST", "path": core, "body": body})

    def found(path: str, selector: str) -> int:
        return len(
            things.client.request({"method": "GET", "path": path, "query": {"fieldSelector": selector}}).body["items"]
        )

    newer = f"/apis/events.k8s.io/v1/namespaces/{things.namespace}/events"
    assert found(core, "involvedObject.kind=Pod,reportingComponent=c") == 1
    assert found(newer, "regarding.kind=Pod,reportingController=c,reason=R") == 1
    assert found(newer, "regarding.name=other") == 0
    assert found(core, "involvedObject.name=p") == 1
    assert found(core, "source=c") == 1


TEMPLATE = {"spec": {"containers": [{"name": "c", "image": "i"}], "restartPolicy": "Never"}}


@pytest.mark.parametrize(
    ("path", "body", "selector", "other"),
    [
        ("/api/v1/nodes", {}, "spec.unschedulable=false", "spec.unschedulable=true"),
        ("/api/v1/namespaces/{}/pods", TEMPLATE, "spec.hostNetwork=false,status.podIP=", "status.podIP=10.0.0.1"),
        (
            "/apis/batch/v1/namespaces/{}/jobs",
            {"spec": {"template": TEMPLATE}},
            "status.successful=0",
            "status.successful=1",
        ),
    ],
)
def test_fields_that_are_never_empty_are_selected_by_what_they_stand_for(
    things: Things, path: str, body: dict[str, Any], selector: str, other: str
) -> None:
    path, name = path.format(things.namespace), f"of-{things.namespace}"
    if path.endswith("pods"):
        account = f"/api/v1/namespaces/{things.namespace}/serviceaccounts"
        things.client.request({"method": "POST", "path": account, "body": {"metadata": {"name": "default"}}})
    made = things.client.request({"method": "POST", "path": path, "body": {**body, "metadata": {"name": name}}})
    assert made.status == 201, made.body
    for query, seen in ((selector, True), (other, False)):
        step = {"method": "GET", "path": path, "query": {"fieldSelector": query}}
        assert (name in [one["metadata"]["name"] for one in things.client.request(step).body["items"]]) is seen
    things.client.request({"method": "DELETE", "path": f"{path}/{name}"})


@pytest.mark.parametrize(
    ("query", "agent", "lines"),
    [({"pretty": "true"}, "x", True), ({}, "curl/8", True), ({"pretty": "0"}, "curl/8", False), ({}, "kubectl", False)],
)
def test_people_get_indented_json(things: Things, query: dict[str, str], agent: str, lines: bool) -> None:
    step = {"method": "GET", "path": things.path, "query": query, "headers": {"User-Agent": agent}}
    _, response = things.client.open(step, "GET", query)

    assert (b'\n  "kind": "ConfigMapList"' in response.read()) is lines
