"""docs/sdk.md runs as it is written, from its first line to its last."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machine import Machine
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall((ROOT / "docs" / "sdk.md").read_text())


def written(folder: Path, text: str) -> Path:
    """A block of Python as the file that its first line names."""
    first, _, rest = text.partition("\n")
    path = folder / first.removeprefix("# ")
    path.write_text(rest)
    return path


def typed(machine: Machine, folder: Path, text: str) -> str:
    """What the commands of a block print. Fails the test with the first that fails."""
    said = ""
    for line in text.splitlines():
        command = ["bash", "-c", line.removeprefix("$ ")]
        done = subprocess.run(
            command, cwd=folder, env=machine.environment, capture_output=True, text=True, timeout=150, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        said += done.stdout
    return said


def test_the_example_is_the_tutorials_agent_and_has_twenty_lines_at_most() -> None:
    example = (ROOT / "examples" / "agents" / "scholar.py").read_text()
    assert blocks()[0] == ("python", f"# scholar.py\n{example}")
    assert len(example.splitlines()) <= 20


def test_the_tutorial_runs_as_it_is_written(machine: Machine, tmp_path: Path) -> None:
    (scholar, run, grow, tests, test) = (text for _, text in blocks())
    written(tmp_path, scholar)
    typed(machine, tmp_path, run)
    eventually(lambda: "the rainbow has 11 letters" in machine("observe"))
    assert "somebody wants to know about the rainbow" in eventually(lambda: machine("logs", "scholar"))
    typed(machine, tmp_path, grow)
    eventually(lambda: "geysers has 7 letters" in machine("observe"))
    path = written(tmp_path, tests)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = test.removeprefix("$ python3 ").split()
    done = subprocess.run(
        [sys.executable, *command], cwd=path.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
