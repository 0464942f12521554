"""Watches: what they begin with, bookmarks, selectors, and how they end, as Kubernetes' own watch tests have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.player import Client, Watch
from tests.integration.apiserver.conftest import Things
from tests.support import hive

FUTURE = 9_000_000_000_000
LISTING = {"resourceVersionMatch": "NotOlderThan"}
INITIAL_END = {"k8s.io/initial-events-end": "true"}
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
PARTIAL = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"


def seen(watch: Watch, count: int, *, bookmarks: bool = False) -> list[str]:
    events = watch.take(count, ends=False, bookmarks=bookmarks)
    return [f"{one['type']} {one['object']['metadata'].get('name', '')}".strip() for one in events]


ANY_START: list[dict[str, Any]] = [
    {},
    {"resourceVersion": 0},
    *({"sendInitialEvents": "true", **LISTING, **rv} for rv in ({}, {"resourceVersion": 0}, {"resourceVersion": 1})),
]


@pytest.mark.parametrize("marks", [{}, {"allowWatchBookmarks": "true"}])
@pytest.mark.parametrize("query", ANY_START)
def test_what_exists_comes_first_and_a_bookmark_ends_it_for_who_takes_bookmarks(
    things: Things, query: dict[str, Any], marks: dict[str, str]
) -> None:
    things.create("a")
    last = things.create("b")
    watch = things.watch(**query, **marks)
    events = watch.take(2 + len(marks), ends=False, bookmarks=True)
    assert [one["object"]["metadata"].get("name") for one in events] == ["a", "b", *([None] if marks else [])]
    if marks:
        meta = events[-1]["object"]["metadata"]
        assert meta["annotations"] == INITIAL_END and int(meta["resourceVersion"]) >= last
    things.create("c")
    assert seen(watch, 1) == ["ADDED c"]


@pytest.mark.parametrize("rv", [{}, {"resourceVersion": 0}])
def test_who_wants_no_initial_events_gets_what_follows(things: Things, rv: dict[str, Any]) -> None:
    things.create("a")
    watch = things.watch(sendInitialEvents="false", **LISTING, **rv)
    things.create("b")
    assert seen(watch, 1) == ["ADDED b"]


def test_who_wants_no_initial_events_from_a_version_gets_what_came_after_it(things: Things) -> None:
    version = things.create("a")
    things.create("b")
    watch = things.watch(sendInitialEvents="false", resourceVersion=version, **LISTING)
    assert seen(watch, 1) == ["ADDED b"]


def test_a_watch_from_the_future_waits_for_it(things: Things) -> None:
    version = things.create("a") + 2
    watch = things.watch(resourceVersion=version + 1)
    for name in ("b", "c"):
        things.create(name)
    assert seen(watch, 0) == []


def test_a_list_of_the_future_in_a_watch_is_an_error_event(things: Things) -> None:
    watch = things.watch(sendInitialEvents="true", resourceVersion=FUTURE, **LISTING)
    event = watch.take(1, ends=True, bookmarks=True)[0]
    cause = event["object"]["details"]["causes"][0]["reason"]
    assert (event["type"], event["object"]["code"], cause) == ("ERROR", 504, "ResourceVersionTooLarge")


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({"sendInitialEvents": "true"}, 1),
        ({"sendInitialEvents": "false", "resourceVersionMatch": "Exact"}, 2),
        ({"resourceVersionMatch": "NotOlderThan"}, 1),
        ({"resourceVersionMatch": "Exact", "continue": "x"}, 3),
    ],
)
def test_options_that_do_not_go_together_are_refused(things: Things, query: dict[str, str], causes: int) -> None:
    reply = things.get(watch="true", **query)
    assert (reply.status, len(reply.body["details"]["causes"])) == (422, causes)


def test_a_label_selector_sees_objects_come_and_go(things: Things) -> None:
    watch = things.watch(resourceVersion=things.now(), labelSelector="colour=red")
    things.create("a", colour="red")
    left = [things.label("a", colour="blue"), things.label("a", other="x")][0]
    things.label("a", colour="red")
    things.delete("a")
    events = watch.take(4, ends=False, bookmarks=False)
    assert [one["type"] for one in events] == ["ADDED", "DELETED", "ADDED", "DELETED"]
    gone = events[1]["object"]["metadata"]
    assert (gone["labels"], gone["resourceVersion"]) == ({"colour": "red"}, str(left))


def test_a_field_selector_follows_one_object(things: Things) -> None:
    watch = things.watch(resourceVersion=things.now(), fieldSelector="metadata.name=b")
    for name in "abc":
        things.create(name)
    things.delete("b")
    assert seen(watch, 2) == ["ADDED b", "DELETED b"]


def test_a_deletion_has_the_version_of_the_deletion_and_the_last_content(things: Things) -> None:
    version = things.create("a", colour="red")
    watch = things.watch(resourceVersion=version)
    things.delete("a")
    meta = watch.take(1, ends=False, bookmarks=False)[0]["object"]["metadata"]
    assert int(meta["resourceVersion"]) > version and meta["labels"] == {"colour": "red"}


def test_the_last_word_of_a_watch_is_a_bookmark_with_the_version_of_all(things: Things) -> None:
    things.create("a")
    watch = things.watch(resourceVersion=things.now(), allowWatchBookmarks="true", timeoutSeconds=3)
    elsewhere = things.create("b")
    events = watch.take(2, ends=True, bookmarks=True)
    assert [one["type"] for one in events] == ["ADDED", "BOOKMARK"]
    assert int(events[-1]["object"]["metadata"]["resourceVersion"]) >= elsewhere


@pytest.mark.parametrize("value", ["abc", "1s", "99999999999999999999"])
def test_a_time_that_is_none_is_refused(things: Things, value: str) -> None:
    assert things.get(watch="1", timeoutSeconds=value).status == 400


@pytest.mark.parametrize("value", ["true", "1", "", "yes"])
def test_whatever_is_not_false_is_a_watch(things: Things, value: str) -> None:
    reply = things.get(watch=value, timeoutSeconds=1)
    assert reply.body == ""


def test_a_watch_of_tables_has_columns_once_and_one_row_each(things: Things) -> None:
    things.create("a")
    watch = things.watch(accept=TABLE)
    things.create("b")
    events = [one["object"] for one in watch.take(2, ends=False, bookmarks=False)]
    assert [one["rows"][0]["object"]["metadata"]["name"] for one in events] == ["a", "b"]
    assert (bool(events[0]["columnDefinitions"]), events[1]["columnDefinitions"]) == (True, None)


def test_a_watch_of_metadata_has_nothing_else_not_in_its_bookmarks_either(things: Things) -> None:
    things.create("a")
    watch = things.watch(accept=PARTIAL, allowWatchBookmarks="true")
    events = watch.take(2, ends=False, bookmarks=True)
    assert [one["object"]["kind"] for one in events] == ["PartialObjectMetadata"] * 2
    assert events[1]["object"]["metadata"]["annotations"] == INITIAL_END


def test_a_bookmark_among_tables_is_a_table_of_every_kind(hive_api: hive.HiveApi) -> None:
    client = Client(hive_api)
    kinds = 0
    for version in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1", "/apis/rbac.authorization.k8s.io/v1"):
        listed = client.request({"method": "GET", "path": version}).body["resources"]
        for one in (one for one in listed if "watch" in one["verbs"]):
            query = {"allowWatchBookmarks": "true", "labelSelector": "no=such"}
            watch = Watch(client, {"path": f"{version}/{one['name']}", "query": query, "accept": TABLE})
            event = watch.take(1, ends=False, bookmarks=True)[0]
            assert (event["type"], event["object"]["kind"]) == ("BOOKMARK", "Table"), one["name"]
            assert event["object"]["rows"][0]["object"]["metadata"]["annotations"] == INITIAL_END
            kinds += 1
    assert kinds > 20


def test_a_version_that_is_forgotten_is_an_error_event_with_410(things: Things) -> None:
    watch = things.watch(resourceVersion=1)
    event = watch.take(1, ends=True, bookmarks=True)[0]
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_stopped_server_ends_its_watches(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    watch = Things(api, "default").watch(resourceVersion="0")
    api.stop()
    assert watch.ended.wait(30)
