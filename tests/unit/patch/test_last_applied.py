"""From client-side to server-side apply under kubectl's name."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from kgents.embedded.patch.errors import PatchError
from kgents.embedded.patch.last_applied import ANNOTATION
from kgents.embedded.patch.managed import apply, track_update
from kgents.embedded.schema.schema import Schema

SCHEMA = Schema.builtin("", "v1", "ConfigMap")
assert SCHEMA is not None
NOW = "2026-01-01T00:00:00Z"
Object = dict[str, Any]


def config_map(annotation: Any = None, **data: str) -> Object:
    metadata: Object = {"name": "a", "namespace": "default"}
    if annotation is not None:
        text = annotation if isinstance(annotation, str) else orjson.dumps(annotation).decode()
        metadata["annotations"] = {ANNOTATION: text}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def stored(obj: Object) -> Object:
    """As client-side apply left it."""
    assert SCHEMA is not None
    track_update(None, obj, SCHEMA, manager="kubectl-client-side-apply", now=NOW)
    return obj


def applied(live: Object, wanted: Object, manager: str = "kubectl") -> Object:
    assert SCHEMA is not None
    return apply(live, wanted, SCHEMA, manager=manager, now=NOW)


def test_what_kubectl_applied_before_it_may_change_without_a_conflict() -> None:
    live = stored(config_map(config_map(a="1"), a="1"))

    assert applied(live, config_map(a="2"))["data"] == {"a": "2"}


@pytest.mark.parametrize(
    ("annotation", "manager"),
    [
        (config_map(a="1"), "ci"),
        (config_map(a="0"), "kubectl"),
        (config_map(b="1"), "kubectl"),
        ({**config_map(a="1"), "apiVersion": "v2"}, "kubectl"),
        (None, "kubectl"),
        ("{", "kubectl"),
        ("[]", "kubectl"),
        ({"apiVersion": "v1", "kind": "ConfigMap", "data": 7}, "kubectl"),
        ("[" * 300 + "]" * 300, "kubectl"),
    ],
)
def test_everything_else_stays_a_conflict(annotation: Any, manager: str) -> None:
    live = stored(config_map(annotation, a="1"))

    with pytest.raises(PatchError, match="conflict"):
        applied(live, config_map(a="2"), manager)


def test_the_annotation_follows_what_is_applied() -> None:
    live = stored(config_map(config_map(a="1", b="<2>"), a="1", b="<2>"))

    new = applied(live, config_map(b="<2>"))

    text = new["metadata"]["annotations"][ANNOTATION]
    assert orjson.loads(text) == config_map(b="<2>")
    assert text.endswith("}\n")
    assert "\\u003c2\\u003e" in text


@pytest.mark.parametrize(("annotation", "manager"), [(None, "kubectl"), (config_map(), "ci")])
def test_whoever_did_not_apply_from_the_client_gets_no_annotation(annotation: Any, manager: str) -> None:
    live = stored(config_map(annotation))

    new = applied(live, config_map(c="3"), manager)

    assert (new["metadata"].get("annotations") or {}) == (live["metadata"].get("annotations") or {})


def test_an_annotation_that_grew_too_large_goes() -> None:
    live = stored(config_map(config_map()))

    assert ANNOTATION not in applied(live, config_map(a="x" * 300_000))["metadata"]["annotations"]
