from __future__ import annotations

from pathlib import Path

import pytest

from kgents.glass.ghost import hive_name
from kgents.infra import traces
from kgents.infra.home import context_key, cortex_socket, cortex_token_file


def leave(home: Path, context: str) -> list[Path]:
    """What a hive of that context leaves outside its folder."""
    key = context_key(context, "https://127.80.0.1:6443")
    left = [home / "ghost" / hive_name(key), home / "witness" / hive_name(key)]
    for folder in left:
        folder.mkdir(parents=True)
    files = [cortex_socket(key), cortex_token_file(key)]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.touch()
    return [*left, *files]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path))
    return tmp_path


def test_all_traces_of_a_hive_are_removed(home: Path) -> None:
    left = leave(home, "kgents-a")

    traces.remove("kgents-a")

    assert [path for path in left if path.exists()] == []


def test_a_hive_whose_name_goes_on_keeps_its_own(home: Path) -> None:
    other = leave(home, "kgents-a-b")

    traces.remove("kgents-a")

    assert [path for path in other if not path.exists()] == []


def test_nothing_to_remove_is_no_trouble() -> None:
    traces.remove("kgents-a")
