from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.infra import hive as hives


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "home"))


def test_a_hive_is_found_again_as_it_was_made() -> None:
    made = hives.create("laptop")

    assert hives.load("laptop") == made
    assert hives.of_context("kgents-laptop") == made


def test_two_hives_have_two_nets() -> None:
    assert hives.create("one").net != hives.create("two").net


def test_a_net_somebody_listens_on_is_left_to_them() -> None:
    first = hives.create("laptop")
    (first.dir / "hive.json").unlink()
    with socket.socket() as holder:
        holder.bind((first.address, hives.API_PORT))
        holder.listen()

        assert hives.create("laptop").net != first.net


@pytest.mark.parametrize("name", ["", "Laptop", "a" * 300, "../up", "a/b", "-a", "a b", "ä"])
def test_a_name_that_could_not_be_a_folder_or_a_context_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        hives.create(name)


def test_a_missing_hive_says_how_to_make_one() -> None:
    with pytest.raises(NotFound, match="kgents infra init"):
        hives.load("laptop")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"net": "x"}'])
def test_a_damaged_hive_file_is_an_error_that_names_it(content: str) -> None:
    made = hives.create("laptop")
    (made.dir / "hive.json").write_text(content)

    with pytest.raises(KgentsError, match=r"hive\.json is damaged"):
        hives.load("laptop")


def test_everything_is_private(tmp_path: Path) -> None:
    made = hives.create("laptop")

    for path in (tmp_path / "home", made.dir, made.pki, made.log_dir):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_home_that_cannot_be_written_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KGENTS_HOME", "/proc/nowhere")

    with pytest.raises(KgentsError, match="KGENTS_HOME"):
        hives.create("laptop")
