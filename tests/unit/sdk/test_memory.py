"""The memory of an agent outside of its pod, and the client that is the same inside."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, NotFound, Unreachable, UsageError
from kgents.sdk.local_memory import LocalMemory
from kgents.sdk.memory import Memory
from tests.unit.sdk.server import answer, hang_up, serving


@pytest.fixture
def memory(tmp_path: Path) -> LocalMemory:
    return LocalMemory(tmp_path / "memory")


def test_what_is_kept_is_there_and_what_is_forgotten_is_not(memory: LocalMemory) -> None:
    memory.put("a/b ü", {"x": [1, None, "y"]})
    assert memory.get("a/b ü") == {"x": [1, None, "y"]}
    memory.forget("a/b ü")
    assert memory.get("a/b ü", "nothing") == "nothing"
    with pytest.raises(NotFound):
        memory.forget("a/b ü")


def test_it_is_found_again_by_another_process(memory: LocalMemory, tmp_path: Path) -> None:
    memory.put("a", 1)
    code = "import sys; from pathlib import Path; from kgents.sdk.local_memory import LocalMemory as M"
    code += "; print(M(Path(sys.argv[1])).get('a'))"
    command = [sys.executable, "-c", code, str(tmp_path / "memory")]
    assert subprocess.check_output(command, text=True) == "1\n"


def test_lists_grow_by_many_hands_at_once(memory: LocalMemory) -> None:
    with ThreadPoolExecutor(4) as pool:
        lengths = list(pool.map(lambda item: memory.append("list", item), range(40)))
    assert sorted(lengths) == list(range(1, 41))
    assert sorted(memory.get("list")) == list(range(40))


def test_a_fork_goes_on_with_it(memory: LocalMemory) -> None:
    memory.put("parent", 1)
    child = os.fork()
    if child == 0:
        memory.put("child", memory.get("parent") + 1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert memory.get("child") == 2


def test_all_keys_are_given_however_long_they_are(memory: LocalMemory) -> None:
    # Neither a page of 500 nor one of a mebibyte has room for all of them.
    made = [f"key/{number:04}" + "x" * 990 for number in range(1100)]
    for key in made:
        memory.put(key, 1)
    memory.put("other", 1)
    assert list(memory.keys("key/")) == made


def test_what_is_remembered_is_found_by_its_words(memory: LocalMemory) -> None:
    memory.put("sky", "the sky is blue for a reason")
    memory.put("sea", "the sea is deep")
    assert [one["key"] for one in memory.search("blue")] == ["sky"]


def test_a_snapshot_is_the_whole_and_can_be_restored(memory: LocalMemory, tmp_path: Path) -> None:
    memory.put("a", "x" * 300_000)
    other = LocalMemory(tmp_path / "other")
    assert other.restore(memory.snapshot()) == 1
    assert other.get("a") == memory.get("a")
    assert other.status()["entries"] == 1


@pytest.mark.parametrize("value", [object(), float("nan"), {1, 2}])
def test_only_json_is_remembered(memory: LocalMemory, value: object) -> None:
    with pytest.raises(UsageError, match="only what JSON holds"):
        memory.put("a", value)


def test_too_large_a_value_is_refused_with_its_size(memory: LocalMemory) -> None:
    with pytest.raises(KgentsError, match="too large"):
        memory.put("a", "x" * 40_000_000)
    assert memory.get("a") is None


def test_an_agent_without_a_memory_is_told_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KGENTS_MEMORY_URL", raising=False)
    with pytest.raises(UsageError, match="symbionts"):
        Memory().get("a")


def test_an_append_whose_answer_was_lost_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    with serving(hang_up) as server:
        memory = Memory(f"http://127.0.0.1:{server.port}", str(tmp_path / "token"))
        with pytest.raises(Unreachable):
            memory.append("a", 1)
        assert len(server.asked) == 1


def test_the_token_goes_along_and_errors_are_told(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    with serving(answer(507, {"error": "the memory is full"})) as server:
        memory = Memory(f"http://127.0.0.1:{server.port}", str(tmp_path / "token"))
        with pytest.raises(KgentsError, match="the memory is full"):
            memory.put("a", 1)
        assert server.asked[0].headers["authorization"] == "Bearer t"
        assert server.asked[0].body == json.loads("1")


def test_a_sidecar_that_is_being_started_again_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    memory = Memory(f"http://127.0.0.1:{port}", str(tmp_path / "token"), patience=60)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(memory.get, "a")
        with serving(answer(200, {"value": 7}), port=port):
            assert asked.result(60) == 7
