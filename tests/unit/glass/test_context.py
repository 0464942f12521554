"""Which hive is meant, read once and remembered while the files stay as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, NotFound
from kgents.glass import context


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(described("lab", "one"))
    monkeypatch.setenv("KUBECONFIG", str(path))
    return path


def described(current: str, *names: str) -> str:
    return json.dumps(
        {
            "current-context": current,
            "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1"}}],
            "users": [{"name": "u", "user": {"token": "s3cret"}}],
            "contexts": [
                {"name": name, "context": {"cluster": "c", "user": "u", "namespace": f"ns-{name}"}}
                for name in (current, *names)
            ],
        }
    )


def test_the_current_context_and_its_namespace(kubeconfig: Path):
    assert context.resolve() == ("lab", "https://10.0.0.1", "ns-lab")
    assert context.resolve("one", "mine") == ("one", "https://10.0.0.1", "mine")


def test_it_is_read_once_and_keeps_no_secret(kubeconfig: Path, home: Path, monkeypatch: pytest.MonkeyPatch):
    context.resolve()
    monkeypatch.setattr("kgents.kube.config.load", lambda *_, **__: pytest.fail("it was parsed again"))
    assert context.resolve().context == "lab"
    assert "s3cret" not in (home / "run" / "contexts.json").read_text()


def test_a_changed_file_is_read_again(kubeconfig: Path):
    context.resolve()
    kubeconfig.write_text(described("one"))
    os.utime(kubeconfig, (1, 1))
    assert context.resolve().context == "one"


def test_an_unknown_context_is_an_error(kubeconfig: Path):
    with pytest.raises(NotFound, match="nope"):
        context.resolve("nope")


def test_a_broken_kubeconfig_is_an_error_but_the_ghost_is_still_found(kubeconfig: Path):
    known = context.resolve()
    kubeconfig.write_text("{ not yaml: [")
    with pytest.raises(KgentsError):
        context.resolve()
    assert context.resolve_for_ghost(None, None) == known


def test_a_torn_cache_is_made_anew(kubeconfig: Path, home: Path):
    context.resolve()
    (home / "run" / "contexts.json").write_text("{torn")
    assert context.resolve().context == "lab"


def test_a_read_only_home_is_no_hindrance(kubeconfig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KGENTS_HOME", str(tmp_path / "file" / "below"))
    assert context.resolve().context == "lab"
