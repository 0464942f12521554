"""Audit annotations of policies: noted in the server's log, and what their errors lead to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.admission.place import Place
from tests.support.hive import HiveApi

MISSING = "string(object.data.nothing)"


def note(value: str, **spec: Any) -> dict[str, Any]:
    return {"auditAnnotations": [{"key": "seen", "valueExpression": value}], **spec}


def test_an_annotation_alone_makes_a_policy(place: Place) -> None:
    place.policy(**note("'written by ' + request.userInfo.username"))
    assert place.put_map("m").status == 201


@pytest.mark.parametrize("actions", [["Deny"], ["Warn"], ["Audit"]])
def test_an_annotation_that_fails_refuses_whatever_the_binding_does(place: Place, actions: list[str]) -> None:
    place.policy(**note(MISSING), binding={"validationActions": actions})
    reply = place.put_map("m")
    assert (reply.status, "no such key: nothing" in reply.body["message"]) == (422, True)


def test_an_annotation_that_fails_may_be_ignored(place: Place) -> None:
    place.policy(**note(MISSING, failurePolicy="Ignore"))
    assert place.put_map("m").status == 201


@pytest.mark.embedded("a cluster keeps an audit log of its own")
def test_what_is_noted_is_in_the_servers_log(place: Place, hive_api: HiveApi) -> None:
    name = place.policy({"expression": "false"}, binding={"validationActions": ["Audit"]}, **note("'line\\nbreak'"))
    assert place.put_map("m").status == 201
    lines = [
        line
        for line in (hive_api.dir / "apiserver.log").read_text().splitlines()
        if f'"{name}/seen":"line\\nbreak"' in line
    ]
    assert [("failed expression: false" in line, '"name":"m"' in line) for line in lines] == [(True, True)]
