"""The sidecar as a process: what it answers, what it survives, and whom it opens to."""

from __future__ import annotations

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from kgents.api.errors import Refused, Unreachable, UsageError
from kgents.sdk.memory import Full, Memory
from tests.integration.symbionts.sidecar import Sidecar
from tests.support.waiting import eventually


def test_what_is_remembered_is_there_after_a_kill(sidecar: Sidecar) -> None:
    sidecar.client.put("a/../b ü", {"x": [1, None, "🐘"]})
    sidecar.kill()
    sidecar.begin()
    assert sidecar.client.get("a/../b ü") == {"x": [1, None, "🐘"]}


def test_the_whole_contract(sidecar: Sidecar) -> None:
    memory = sidecar.client
    assert memory.get("none", "nothing") == "nothing"
    assert [memory.append("list", item) for item in "ab"] == [1, 2]
    memory.put("tale", "a whale in the sea")
    assert list(memory.keys()) == ["list", "tale"] and list(memory.keys("t")) == ["tale"]
    assert [match["key"] for match in memory.search('whale" OR (')] == ["tale"]
    status = memory.status()
    assert status["entries"] == 2 and 0 < status["usedBytes"] <= status["sizeBytes"] == 2 << 20 and status["lastAccess"]
    memory.forget("tale")
    assert memory.get("tale") is None


def test_a_snapshot_is_laid_back_whole(sidecar: Sidecar) -> None:
    sidecar.client.put("kept", 1)
    data = sidecar.client.snapshot()
    sidecar.client.put("later", 2)
    assert sidecar.client.restore(data) == 1
    assert list(sidecar.client.keys()) == ["kept"]


def test_nothing_is_torn_by_kills_in_the_middle_of_writes(sidecar: Sidecar) -> None:
    acknowledged: list[int] = []

    def write(number: int) -> None:
        try:
            sidecar.client.append("list", number)
            acknowledged.append(number)
        except Unreachable:
            return

    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            begun = len(acknowledged)
            for number in range(200):
                pool.submit(write, number + 1000 * begun)
            eventually(lambda begun=begun: len(acknowledged) > begun + 5)  # type: ignore[misc]
            sidecar.kill()
            pool.shutdown(cancel_futures=True)
        sidecar.begin()
    assert set(acknowledged) <= set(sidecar.client.get("list"))
    assert not sidecar.said("damaged")


def test_who_does_not_show_the_token_is_refused(sidecar: Sidecar, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    for token in ("x" * 64, "é", sidecar.token_file.read_text()[:-1]):
        wrong.write_text(token)
        with pytest.raises((Refused, Unreachable, UnicodeEncodeError)):
            Memory(f"http://127.0.0.1:{sidecar.port}", str(wrong)).get("key")
    assert b" 401 " in sidecar.raw(b"GET /v1/status HTTP/1.1\r\n\r\n")
    assert b" 401 " in sidecar.raw(b"GET /nowhere HTTP/1.1\r\n\r\n")
    assert b" 200 " in sidecar.raw(b"GET /healthz HTTP/1.1\r\n\r\n")


def test_the_token_is_its_owners_alone_and_outlives_a_restart(sidecar: Sidecar) -> None:
    before = sidecar.token_file.read_text()
    assert sidecar.token_file.stat().st_mode & 0o777 == 0o600
    sidecar.stop()
    sidecar.begin()
    assert sidecar.token_file.read_text() == before


def test_a_token_that_others_could_read_is_replaced(sidecar: Sidecar) -> None:
    before = sidecar.token_file.read_text()
    sidecar.stop()
    sidecar.token_file.chmod(0o644)
    sidecar.begin()
    assert sidecar.token_file.read_text() != before


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\r\n\r\n", b"\0" * 100, b"GET\r\n\r\n", b"G" * 50_000, b"GET /%ff HTTP/1.1\r\n\r\n"),
        *(b"GET /v1/keys HTTP/9\r\n\r\n", b"GET http://x/ HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n: x\r\n\r\n"),
        *(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n" for line in (b"a: b\r\n" * 100, b"Content-Length: -1")),
        *(b"GET / HTTP/1.1\r\n" + line + b"\r\n\r\n" for line in (b"Content-Length: 9e9", b"Transfer-Encoding: x")),
    ],
)
def test_no_bytes_bring_it_down(sidecar: Sidecar, data: bytes) -> None:
    answer = sidecar.raw(data)
    assert not answer or answer.split()[1] in (b"400", b"401", b"411", b"431")
    sidecar.client.put("still", "there")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/v1/keys/a", b"{", 400),
        ("PUT", "/v1/keys/a", b"", 400),
        ("PUT", "/v1/keys/a", b"[" * 100_000, 400),
        ("PUT", "/v1/keys/a", b'"\\ud800"', 400),
        ("PUT", "/v1/keys/a%00b", b"1", 400),
        ("PUT", "/v1/keys/", b"1", 400),
        ("PUT", "/v1/keys/" + "x" * 1025, b"1", 400),
        ("PUT", "/v1/keys/a/b", b"1", 404),
        ("PUT", "/v1/keys/..", b"1", 204),
        ("POST", "/v1/keys/a", b"1", 405),
        ("GET", "/v1/keys/none", b"", 404),
        ("GET", "/v1/../v1/status", b"", 404),
        ("GET", "/v1/keys?limit=-1", b"", 400),
        ("GET", "/v1/keys?limit=0", b"", 400),
        ("GET", "/v1/keys?prefix=%ff", b"", 400),
        ("GET", "/v1/search", b"", 400),
        ("GET", "/v1/search?q=" + "x" * 5000, b"", 400),
        ("PUT", "/v1/snapshot", b"garbage", 400),
        ("PUT", "/v1/keys/a", b'"' + b"x" * (1 << 20) + b'"', 413),
    ],
)
def test_what_cannot_be_is_said(sidecar: Sidecar, method: str, path: str, body: bytes, status: int) -> None:
    assert sidecar.request(method, path, body) == status


def test_a_body_that_ends_too_soon_writes_nothing(sidecar: Sidecar) -> None:
    token = sidecar.token_file.read_text()
    head = f"PUT /v1/keys/half HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: 100\r\n\r\n1"
    assert sidecar.raw(head.encode()) == b""
    assert sidecar.client.get("half") is None


def test_a_full_memory_says_so_and_stays_readable(sidecar: Sidecar) -> None:
    memory = sidecar.client
    memory.put("first", "kept")
    with pytest.raises(Full, match="full"):
        for number in range(100):
            memory.put(f"filler{number}", "x y z " * 20_000)
    assert memory.get("first") == "kept"
    memory.forget("filler0")
    memory.put("small", "fits again")


def test_a_size_that_changes_needs_no_restart(sidecar: Sidecar) -> None:
    sidecar.configure(type="KeyValue", size=8 << 20)
    eventually(lambda: sidecar.client.status()["sizeBytes"] == 8 << 20)


def test_settings_that_are_broken_change_nothing(sidecar: Sidecar) -> None:
    (sidecar.folder / "settings.json").write_text('{"type": "KeyVal')
    eventually(lambda: sidecar.said("cannot be read"))
    assert sidecar.client.status()["sizeBytes"] == 2 << 20


def test_a_disk_without_room_loses_nothing_that_was_acknowledged(sidecar: Sidecar) -> None:
    sidecar.client.put("first", "kept")
    sidecar.stop()
    sidecar.begin(largest_file=300_000)
    with pytest.raises(Full, match="disk"):
        for number in range(100):
            sidecar.client.put(f"filler{number}", "x y z " * 5_000)
    assert sidecar.client.get("first") == "kept"
    sidecar.kill()
    sidecar.begin()
    assert sidecar.client.get("first") == "kept" and not sidecar.said("damaged")


def test_a_torn_file_is_set_aside_and_it_is_said(sidecar: Sidecar) -> None:
    sidecar.stop()
    (sidecar.folder / "data" / "memory.db").write_bytes(b"torn" * 5000)
    sidecar.begin()
    assert list(sidecar.client.keys()) == []
    assert sidecar.client.status()["setAside"].startswith("memory.db.broken-")
    assert sidecar.said("it is kept as memory.db.broken-")


def test_strangers_cannot_lock_the_agent_out(sidecar: Sidecar) -> None:
    crowd = [socket.create_connection(("127.0.0.1", sidecar.port)) for _ in range(64)]
    try:
        for stranger in crowd:
            stranger.sendall(b"GET /v1/keys HTTP/1.1\r\nX-Slow: ")
        sidecar.client.put("key", "in spite of them")
        assert psutil.Process(sidecar.pid).num_threads() <= 20
    finally:
        for stranger in crowd:
            stranger.close()


def test_many_at_once_are_all_served_or_told(sidecar: Sidecar) -> None:
    lengths, lock = [], threading.Lock()

    def append(number: int) -> None:
        length = sidecar.client.append("list", number)
        with lock:
            lengths.append(length)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(64)))
    assert sorted(lengths) == list(range(1, 65))


def test_it_says_how_it_is_for_the_operators_to_read(sidecar: Sidecar) -> None:
    sidecar.client.put("key", 1)
    line = eventually(lambda: '"entries": 1' in sidecar.said("status ") and sidecar.said("status "))
    assert json.loads(line.removeprefix("status "))["lastAccess"]


def test_an_address_that_is_taken_is_an_error_in_one_line(sidecar: Sidecar, tmp_path: Path) -> None:
    other = Sidecar(tmp_path / "other", sidecar.port)
    other.folder.mkdir()
    with pytest.raises(AssertionError):
        other.begin()
    eventually(lambda: len(other.lines) == 1 and "in use" in other.lines[0])


@pytest.mark.parametrize("value", [1.5, "x"], ids=["number", "word"])
def test_only_to_a_list_is_appended(sidecar: Sidecar, value: object) -> None:
    sidecar.client.put("key", value)
    with pytest.raises(UsageError):
        sidecar.client.append("key", 1)


def test_a_request_that_never_ends_is_ended(sidecar: Sidecar) -> None:
    assert b" 408 " in sidecar.raw(b"GET /v1/keys HTTP/1.1\r\nX-Slow: ", finish=False)
