"""Files of volumes are laid in one step, and never outside of their folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.environment import Missing
from kgents.embedded.runtime.volumes import Unsupported, gather, lay, mounts, place, show

POD: dict[str, Any] = {"metadata": {"name": "p"}, "spec": {"containers": []}}


def test_an_update_replaces_all_and_leaves_nothing_behind(tmp_path: Path) -> None:
    lay(tmp_path, {"a": (b"1", 0o644), "b": (b"2", 0o644)})
    assert lay(tmp_path, {"b": (b"3", 0o644), "c/d": (b"4", 0o644)})
    names = {path.name for path in tmp_path.iterdir() if not path.name.startswith("..")}
    assert names == {"b", "c"}
    assert (tmp_path / "c" / "d").read_bytes() == b"4"
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("..2")]) == 1


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    lay(tmp_path, {"a": (b"1", 0o644)})
    assert not lay(tmp_path, {"a": (b"1", 0o644)})


def test_modes_are_what_was_asked(tmp_path: Path) -> None:
    lay(tmp_path, {"a": (b"", 0o755)})
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o755


def test_the_mount_point_of_another_volume_survives_an_update(tmp_path: Path) -> None:
    lay(tmp_path, {"a": (b"1", 0o644)})
    (tmp_path / "nested").mkdir()
    lay(tmp_path, {"a": (b"2", 0o644)})
    assert (tmp_path / "nested").is_dir()


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "..data", "", ".", "..", "a\0b"])
def test_paths_that_lead_out_are_refused_and_nothing_is_laid(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "volume"
    with pytest.raises(Unsupported):
        lay(folder, {"good": (b"", 0o644), path: (b"", 0o644)})
    assert not list(folder.iterdir())


def test_a_sub_path_through_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(Unsupported, match="leads out"):
        mounts({"volumeMounts": [{"name": "v", "mountPath": "/x", "subPath": "out"}]}, {"v": tmp_path}, {})


def test_a_sub_path_may_come_from_the_environment(tmp_path: Path) -> None:
    mount = {"name": "v", "mountPath": "/x", "subPathExpr": "of-$(WHO)"}
    (found,) = mounts({"volumeMounts": [mount]}, {"v": tmp_path}, {"WHO": "me"})
    assert found["source"] == str(tmp_path / "of-me")
    assert (tmp_path / "of-me").is_dir()


def test_a_mount_without_its_volume_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="not among"):
        mounts({"volumeMounts": [{"name": "v", "mountPath": "/x"}]}, {}, {})


def test_an_item_that_is_missing_is_told_by_its_key() -> None:
    volume = {"configMap": {"name": "m", "items": [{"key": "k", "path": "p"}]}}
    with pytest.raises(Missing, match="has no key k"):
        gather(volume, POD, lambda _kind, _name: {}, {})


def test_an_unknown_sort_of_volume_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="hostPath"):
        place({"name": "v", "hostPath": {"path": "/"}}, tmp_path, tmp_path, "ns")


def test_mounts_are_shown_below_the_root_of_the_pod(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "x").write_text("1")
    show(tmp_path / "root", [{"source": str(source), "target": "/a/b"}])
    show(tmp_path / "root", [{"source": str(source), "target": "/a/c"}])
    assert (tmp_path / "root" / "a" / "c" / "x").read_text() == "1"
    assert not (tmp_path / "root" / "a" / "b").exists()
