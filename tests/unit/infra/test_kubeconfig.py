from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kgents.api.errors import KgentsError
from kgents.infra import kubeconfig

ADDITION = {
    "current-context": "kgents-x",
    "clusters": [{"name": "kgents-x", "cluster": {"server": "https://127.80.0.1:6443"}}],
    "users": [{"name": "kgents-x", "user": {"token": "t"}}],
    "contexts": [{"name": "kgents-x", "context": {"cluster": "kgents-x", "user": "kgents-x"}}],
}
OTHERS = """
apiVersion: v1
kind: Config
current-context: work
clusters: [{name: work, cluster: {server: https://work.example}}]
users: [{name: work, user: {token: w}}]
contexts: [{name: work, context: {cluster: work, user: work}}]
"""


def names(path: Path, section: str) -> list[str]:
    return [entry["name"] for entry in yaml.safe_load(path.read_text())[section]]


def test_a_missing_kubeconfig_is_made_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config"

    kubeconfig.merge(path, ADDITION)

    assert yaml.safe_load(path.read_text())["current-context"] == "kgents-x"
    assert path.stat().st_mode & 0o777 == 0o600


def test_other_contexts_stay_and_the_new_one_is_selected(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHERS)

    kubeconfig.merge(path, ADDITION)

    assert names(path, "contexts") == ["work", "kgents-x"]
    assert yaml.safe_load(path.read_text())["current-context"] == "kgents-x"


def test_merging_twice_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHERS)
    kubeconfig.merge(path, ADDITION)
    once = path.read_text()

    kubeconfig.merge(path, ADDITION)

    assert path.read_text() == once


def test_removing_selects_the_only_context_that_is_left(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(OTHERS)
    kubeconfig.merge(path, ADDITION)

    kubeconfig.remove(path, "kgents-x")

    assert names(path, "users") == ["work"]
    assert yaml.safe_load(path.read_text())["current-context"] == "work"


@pytest.mark.parametrize("content", ["{", "[1, 2]", "just words", "a: b: c"])
def test_a_malformed_kubeconfig_is_refused_and_left_as_it_was(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)

    with pytest.raises(KgentsError, match="cannot be used"):
        kubeconfig.merge(path, ADDITION)

    assert path.read_text() == content


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text(OTHERS)
    link = tmp_path / "config"
    link.symlink_to(real)

    kubeconfig.merge(link, ADDITION)

    assert link.is_symlink()
    assert "kgents-x" in names(real, "contexts")


def test_kubeconfig_names_the_first_file_that_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = tmp_path / "second"
    second.write_text(OTHERS)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'first'}:{second}")

    assert kubeconfig.user_kubeconfig() == second
