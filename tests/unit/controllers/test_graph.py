from __future__ import annotations

from typing import Any

import pytest

from kgents.api.kinds import POD
from kgents.embedded.controllers.graph import FOREGROUND, ORPHAN, Graph, Node, Owners, Verdict, judge, without_owners


def node(uid: str, *owners: str, **more: Any) -> Node:
    references = tuple({"uid": owner, "blockOwnerDeletion": True} for owner in owners)
    return Node(uid, POD, "lab", uid, references, **more)


@pytest.mark.parametrize(
    ("owners", "verdict"),
    [
        (Owners(solid=("a",)), Verdict.KEEP),
        (Owners(), Verdict.KEEP),
        (Owners(absent=("a",)), Verdict.BACKGROUND),
        (Owners(solid=("a",), absent=("b",)), Verdict.DISOWN),
        (Owners(solid=("a",), waiting=("b",)), Verdict.DISOWN),
        (Owners(waiting=("a",)), Verdict.BACKGROUND),
    ],
)
def test_only_an_object_without_any_owner_left_is_deleted(owners: Owners, verdict: Verdict) -> None:
    assert judge(node("x", "a", "b"), owners, []) is verdict


def test_a_foreground_deletion_goes_down_the_tree() -> None:
    assert judge(node("x", "a"), Owners(waiting=("a",)), [node("y", "x")]) is Verdict.FOREGROUND


@pytest.mark.parametrize(("finalizer", "verdict"), [(ORPHAN, Verdict.ORPHAN), (FOREGROUND, Verdict.FOREGROUND)])
def test_what_was_asked_for_an_object_still_holds(finalizer: str, verdict: Verdict) -> None:
    asked = node("x", "a", finalizers=frozenset({finalizer}))

    assert judge(asked, Owners(absent=("a",)), []) is verdict


def test_dependents_are_known_before_their_owner() -> None:
    graph = Graph()
    graph.put(node("child", "parent"))

    graph.put(node("parent"))

    assert [item.uid for item in graph.dependents("parent")] == ["child"]


def test_a_changed_owner_moves_the_edge() -> None:
    graph = Graph()
    graph.put(node("child", "one"))

    graph.put(node("child", "two"))

    assert graph.dependents("one") == []
    assert [item.uid for item in graph.dependents("two")] == ["child"]


def test_a_dropped_node_leaves_nothing_behind() -> None:
    graph = Graph()
    graph.put(node("child", "parent"))

    graph.drop("child")

    assert graph.nodes == {} and graph.dependents("parent") == []


def test_a_foreground_deletion_waits_only_for_those_that_block() -> None:
    blocking = Node("a", POD, "lab", "a", ({"uid": "o", "blockOwnerDeletion": True},))
    free = Node("b", POD, "lab", "b", ({"uid": "o"},))

    assert blocking.blocks("o") and not free.blocks("o") and not blocking.blocks("other")


def test_references_go_by_uid() -> None:
    assert without_owners([{"uid": "a"}, {"uid": "b"}], ["a"]) == [{"uid": "b"}]
