"""kind clusters, through a program `kind` that a test puts on the PATH."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, UsageError
from kgents.infra import kind


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `kind` that knows the cluster “old”, fails for “bad”, and writes down what it is asked."""
    log = tmp_path / "calls"
    program = tmp_path / "bin" / "kind"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"open({str(log)!r}, 'a').write(' '.join(sys.argv[1:]) + chr(10))\n"
        "if sys.argv[1:3] == ['get', 'clusters']: print('old')\n"
        "if 'bad' in sys.argv: sys.exit('Creating …\\nERROR: failed to create cluster: no engine\\nstack')\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    return log


def test_a_cluster_is_made_once(calls: Path) -> None:
    assert kind.make("new", 30.0)
    assert not kind.make("old", 30.0)

    assert calls.read_text().splitlines() == [
        "get clusters",
        "create cluster --name new --wait 30s",
        "get clusters",
        "export kubeconfig --name old",
    ]


def test_what_kind_says_of_its_failure_is_told_in_one_line(calls: Path) -> None:
    with pytest.raises(
        KgentsError, match="kind create cluster failed: ERROR: failed to create cluster: no engine"
    ) as told:
        kind.make("bad", 30.0)
    assert "\n" not in str(told.value)


def test_without_the_program_it_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match=r"kind\.sigs\.k8s\.io"):
        kind.make("new", 30.0)
