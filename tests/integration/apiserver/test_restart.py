"""A server that is stopped and started again goes on where it was."""

from __future__ import annotations

from pathlib import Path

from kgents.embedded.apiserver.store.database import Database
from kgents.embedded.apiserver.store.store import Store
from tests.conformance.player import Client, Watch
from tests.support import hive

PATH = "/api/v1/namespaces/default/configmaps"


def create(client: Client, name: str) -> int:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    reply = client.request({"method": "POST", "path": PATH, "body": body})
    return int(reply.body["metadata"]["resourceVersion"])


def names(watch: Watch, count: int) -> list[str]:
    return [event["object"]["metadata"]["name"] for event in watch.take(count, ends=False, bookmarks=False)]


def test_a_watch_resumes_across_a_restart_without_missing_a_change(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    client = Client(api)
    seen = create(client, "before")
    create(client, "unseen")
    client.request({"method": "DELETE", "path": f"{PATH}/unseen"})
    api.kill()
    api = hive.start(tmp_path / "hive")
    watch = Watch(Client(api), {"path": PATH, "query": {"resourceVersion": str(seen)}})
    events = [event["type"] for event in watch.take(2, ends=False, bookmarks=False)]
    create(Client(api), "after")
    assert (events, names(watch, 1)) == (["ADDED", "DELETED"], ["after"])
    api.stop()


def test_a_second_server_on_the_same_store_is_refused(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    try:
        hive.start(tmp_path / "hive")
    except AssertionError as error:
        assert "is in use" in str(error)
    else:
        raise AssertionError("two servers share a store")
    finally:
        api.stop()


def test_custom_resources_are_served_again_after_a_restart(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    names = {"plural": "gadgets", "kind": "Gadget"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    spec = {"group": "example.com", "scope": "Cluster", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    body = {**crd, "metadata": {"name": "gadgets.example.com"}}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    assert Client(api).request({"method": "POST", "path": path, "body": body}).status == 201
    gadget = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    at = "/apis/example.com/v1/gadgets"
    assert Client(api).request({"method": "POST", "path": at, "body": gadget}).status == 201
    api.stop()
    api = hive.start(tmp_path / "hive")
    assert Client(api).request({"method": "GET", "path": f"{at}/g"}).status == 200
    api.stop()


async def test_what_an_older_server_took_can_be_let_go(tmp_path: Path) -> None:
    """Rules grow: an object that would be refused today must not be caught by its finalizers."""
    at = "/apis/batch/v1/namespaces/default/jobs"
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
    body = {"metadata": {"name": "j", "finalizers": ["example.com/kept"]}, "spec": {"template": template}}
    api = hive.start(tmp_path / "hive")
    assert Client(api).request({"method": "POST", "path": at, "body": body}).status == 201
    api.stop()
    store = Store(Database(tmp_path / "hive" / "store" / "hive.db"))
    jobs = store.collection("jobs.batch")
    record = jobs.get("default", "j")
    assert record is not None
    job = record.parse()
    job["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    await store.put(jobs, record.key, job, record)
    store.close()

    api = hive.start(tmp_path / "hive")
    ask = {"method": "PATCH", "path": f"{at}/j", "contentType": "application/merge-patch+json"}
    refused = Client(api).request({**ask, "body": {"spec": {"parallelism": -1}}}).body["details"]["causes"]
    assert [cause["field"] for cause in refused] == ["spec.parallelism"]
    assert Client(api).request({**ask, "body": {"metadata": {"finalizers": None}}}).status == 200
    assert Client(api).request({"method": "DELETE", "path": f"{at}/j"}).status == 200
    assert Client(api).request({"method": "GET", "path": f"{at}/j"}).status == 404
    api.stop()
