from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.schema.schema import Schema


def filled(group: str, kind: str, **obj: Any) -> dict[str, Any]:
    schema = Schema.builtin(group, "v1", kind)
    assert schema is not None
    schema.fill_structs(obj)
    return obj


def test_spec_and_status_are_never_absent() -> None:
    assert filled("", "Node") == {"spec": {}, "status": {}}
    assert filled("", "ConfigMap") == {}


@pytest.mark.parametrize("kind", ["ReplicaSet", "StatefulSet", "DaemonSet"])
def test_a_fresh_workloads_status_counts_from_zero(kind: str) -> None:
    status = filled("apps", kind, spec={})["status"]

    assert status and set(status.values()) == {0}


def test_what_is_set_stays() -> None:
    done = filled("apps", "ReplicaSet", spec={}, status={"replicas": 3})

    assert done["status"] == {"replicas": 3}


def test_zeros_are_filled_in_lists_too() -> None:
    done = filled("", "Pod", spec={}, status={"containerStatuses": [{"name": "a", "ready": True}]})

    assert done["status"]["containerStatuses"] == [
        {"name": "a", "ready": True, "image": "", "imageID": "", "restartCount": 0, "lastState": {}, "state": {}}
    ]


def test_custom_objects_are_left_alone() -> None:
    schema = Schema.custom(None, group="example.com", version="v1", kind="Thing")
    obj: dict[str, Any] = {}
    schema.fill_structs(obj)

    assert obj == {}
