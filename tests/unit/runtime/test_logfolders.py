from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.kubelet import options
from kgents.embedded.runtime.launcher.shim import start_time
from kgents.embedded.runtime.logfolders import NoLog, has_ended, log_folder

POD = {"metadata": {"uid": "u1"}, "spec": {"containers": [{"name": "main"}]}}


def attempt(root: Path, number: int, uid: str = "u1", name: str = "pod", **files: Any) -> Path:
    folder = root / "pods" / uid / "containers" / "main" / str(number)
    folder.mkdir(parents=True)
    (root / "pods" / uid / "pod.json").write_text(json.dumps({"namespace": "ns", "name": name, "uid": uid}))
    for file, content in files.items():
        (folder / f"{file}.json").write_text(json.dumps(content))
    return folder


def find(root: Path, pod: Any = POD, container: str = "main", previous: bool = False) -> Path:
    return log_folder(root, "ns", "pod", container, previous=previous, find=lambda *_: pod)


def test_the_newest_attempt_is_meant_by_number_not_by_letter(tmp_path: Path) -> None:
    folders = {number: attempt(tmp_path, number) for number in (2, 9, 10)}

    assert find(tmp_path) == folders[10]
    assert find(tmp_path, previous=True) == folders[9]


def test_a_pod_is_found_by_its_folder_before_the_api_has_told_of_it(tmp_path: Path) -> None:
    attempt(tmp_path, 0, "other", name="another")
    folder = attempt(tmp_path, 0)

    assert find(tmp_path, pod=None) == folder


@pytest.mark.parametrize(
    ("pod", "container", "previous", "status", "text"),
    [
        (None, "main", False, 404, 'pod "ns/pod" does not exist'),
        (POD, "none", False, 404, 'container "none" not found in pod "pod"'),
        (POD, "..", False, 404, 'container ".." not found in pod "pod"'),
        (POD, "main", False, 400, 'container "main" in pod "pod" is waiting to start: ContainerCreating'),
        (POD, "main", True, 400, 'previous terminated container "main" in pod "pod" not found'),
    ],
)
def test_why_there_is_no_log(tmp_path: Path, pod: Any, container: str, previous: bool, status: int, text: str) -> None:
    with pytest.raises(NoLog) as caught:
        find(tmp_path, pod, container, previous)

    assert (caught.value.status, caught.value.what) == (status, text)


def test_the_reason_for_waiting_is_the_pods_own(tmp_path: Path) -> None:
    waiting = {"name": "main", "state": {"waiting": {"reason": "CommandNotFound"}}}

    with pytest.raises(NoLog, match="waiting to start: CommandNotFound"):
        find(tmp_path, {**POD, "status": {"containerStatuses": [waiting]}})


def test_an_attempt_has_ended_when_it_or_its_keeper_has(tmp_path: Path) -> None:
    me = {"shim": os.getpid(), "shimStart": start_time(os.getpid())}

    assert not has_ended(attempt(tmp_path, 0, "a", state=me))
    assert has_ended(attempt(tmp_path, 0, "b", state={**me, "shimStart": "0"}))
    assert has_ended(attempt(tmp_path, 0, "c", state=me, exit={"exitCode": 0}))
    assert has_ended(tmp_path / "pods" / "gone" / "containers" / "main" / "0")


def test_one_that_never_started_has_ended_once_there_is_another(tmp_path: Path) -> None:
    first = attempt(tmp_path, 0)
    assert not has_ended(first)

    attempt(tmp_path, 1)

    assert has_ended(first)


def test_a_query_becomes_options() -> None:
    found = options({"follow": "true", "tailLines": "5", "sinceSeconds": "60", "limitBytes": "9"}, 1_767_225_660.5)

    assert (found.follow, found.tail, found.limit, found.timestamps) == (True, 5, 9, False)
    assert found.since == b"2026-01-01T00:00:00.500000000Z"
    assert options({"sinceTime": "2026-01-01T01:00:00+01:00"}, 0).since == b"2026-01-01T00:00:00.000000000Z"


@pytest.mark.parametrize(
    "query",
    [
        {"tailLines": "-1"},
        {"tailLines": "x"},
        {"sinceSeconds": "0"},
        {"limitBytes": "0"},
        {"follow": "maybe"},
        {"sinceTime": "yesterday"},
        {"sinceTime": "2026-01-01T00:00:00Z", "sinceSeconds": "1"},
    ],
)
def test_a_query_without_sense_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(NoLog) as caught:
        options(query, 0)

    assert caught.value.status == 400
