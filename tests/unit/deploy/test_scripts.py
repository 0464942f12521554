"""The scripts: fronts of `kgents infra`, seen from the program that they call."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "scripts").glob("*.sh"))


def called(tmp_path: Path, name: str, *words: str) -> tuple[int, list[str], str]:
    """The exit code, the words that kgents was called with, and what was said on stderr."""
    program = tmp_path / "kgents"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\nexit 3\n')
    program.chmod(0o755)
    env = {"PATH": os.environ["PATH"], "KGENTS": str(program)}
    done = subprocess.run([ROOT / "scripts" / name, *words], env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_there_are_the_four() -> None:
    names = [path.stem for path in SCRIPTS]
    assert names == ["deploy-operators", "setup-cluster", "teardown-cluster", "verify-cluster"]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_shellcheck_finds_nothing_and_no_failure_is_passed_over(path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")
    assert "\nset -euo pipefail\n" in path.read_text()
    assert os.access(path, os.X_OK)


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("setup-cluster.sh", ["my ctx", "--dry-run"], "infra init --in-cluster --context|my ctx|--dry-run"),
        ("setup-cluster.sh", ["--kind", "--name", "x"], "infra init --in-cluster --kind --name x"),
        ("deploy-operators.sh", ["c", "r/x"], "infra init --in-cluster --context c --image-registry r/x"),
        ("verify-cluster.sh", [], "infra verify"),
        ("verify-cluster.sh", ["c", "-o", "json"], "infra verify --context c -o json"),
        ("verify-cluster.sh", ["-o", "json"], "infra verify -o json"),
        ("teardown-cluster.sh", ["c", "--yes"], "infra delete --context c --yes"),
    ],
)
def test_words_reach_kgents_as_they_were_given(tmp_path: Path, name: str, words: list[str], expected: str) -> None:
    code, told, _ = called(tmp_path, name, *words)

    pieces = expected.split("|")
    wanted = [*pieces[0].split(), *(pieces[1:2]), *(" ".join(pieces[2:])).split()]
    assert (code, told) == (3, wanted)


@pytest.mark.parametrize("name", ["setup-cluster.sh", "deploy-operators.sh", "teardown-cluster.sh"])
def test_without_a_cluster_they_say_how_they_are_used(tmp_path: Path, name: str) -> None:
    code, told, said = called(tmp_path, name)

    assert (code, told) == (2, [])
    assert f"scripts/{name} CONTEXT" in said
