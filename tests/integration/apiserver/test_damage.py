"""A real server on a broken store, on a full disk, and on one that it must not touch."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.apiserver.conftest import Things
from tests.support import hive

EVENTS = "/api/v1/namespaces/default/events"


def store(directory: Path) -> Path:
    return directory / "store" / "hive.db"


def break_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(100))


@pytest.fixture
def broken(tmp_path: Path) -> tuple[Path, int]:
    """A folder whose store lost its header, and the last version that somebody saw."""
    api = hive.start(tmp_path / "hive")
    version = Things(api, "default").create("kept")
    api.stop()
    break_header(store(tmp_path / "hive"))
    return tmp_path / "hive", version


def test_a_server_saves_what_it_can_and_tells_everybody(broken: tuple[Path, int]) -> None:
    directory, seen = broken
    api = hive.start(directory)
    things = Things(api, "default")
    events = things.client.request({"method": "GET", "path": EVENTS}).body["items"]
    salvaged = [event for event in events if event["reason"] == "StoreSalvaged"]
    assert "kept" in things.names() and things.now() > seen
    assert "were saved into a new one" in salvaged[0]["message"]
    assert "The hive's store was damaged" in (directory / "apiserver.log").read_text()
    assert things.watch(resourceVersion=seen).take(1, ends=True, bookmarks=False)[0]["object"]["code"] == 410
    api.stop()


def test_what_was_signed_before_the_damage_still_opens_the_door(broken: tuple[Path, int]) -> None:
    directory, _ = broken
    before = (directory / "tokens.json").read_text()
    api = hive.start(directory)
    assert (directory / "tokens.json").read_text() == before
    assert Things(api, "default").create("later") > 0
    api.stop()


def test_a_store_of_a_newer_kgents_is_refused_in_one_line(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    api.stop()
    db = sqlite3.connect(store(tmp_path / "hive"))
    db.execute("PRAGMA user_version=99")
    db.close()
    before = store(tmp_path / "hive").read_bytes()
    command = [sys.executable, "-P", "-m", "kgents.embedded.apiserver", "--data-dir", str(tmp_path / "hive")]
    done = subprocess.run([*command, "--port", "0"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "written by a newer kgents" in done.stderr
    assert store(tmp_path / "hive").read_bytes() == before


def test_a_server_that_cannot_write_at_all_says_so_in_one_line(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    api.stop()
    before = store(tmp_path / "hive").read_bytes()
    command = [sys.executable, "-P", "-m", "kgents.embedded.apiserver", "--data-dir", str(tmp_path / "hive")]
    limited = f"import os, resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); os.execv({command[0]!r}, "
    script = f"{limited}{[*command, '--port', '0']!r})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
    assert "cannot be opened" in done.stderr and "Nothing was changed" in done.stderr
    assert store(tmp_path / "hive").read_bytes() == before


def test_a_full_disk_refuses_writes_answers_reads_and_loses_nothing(tmp_path: Path) -> None:
    api = hive.start(tmp_path / "hive")
    things = Things(api, "default")
    things.create("before")
    full = max(path.stat().st_size for path in store(tmp_path / "hive").parent.iterdir()) + 50_000
    resource.prlimit(api.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
    created: list[str] = []
    refused: list[str] = []
    for number in range(40):
        body = {"metadata": {"name": f"n{number}"}, "data": {"text": "x" * 5000}}
        status = things.client.request({"method": "POST", "path": things.path, "body": body}).status
        (created if status == 201 else refused).append(f"n{number}")
    assert refused and "before" in things.names()
    resource.prlimit(api.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    things.create("after")
    api.kill()
    api = hive.start(tmp_path / "hive")
    names = set(Things(api, "default").names())
    assert {"before", "after", *created} <= names
    assert not list(store(tmp_path / "hive").parent.glob("*.damaged-*"))
    api.stop()
