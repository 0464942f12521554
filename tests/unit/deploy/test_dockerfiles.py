"""The images' recipes: linted, and their steps carried out here, as far as a machine without an engine can."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kgents.infra import manifests

ROOT = Path(__file__).parents[3]
FILES = [ROOT / part / "deploy" / "Dockerfile" for part in ("operators", "cortex")]
IGNORED = shutil.ignore_patterns("__pycache__")


def steps(path: Path) -> list[list[str]]:
    """`[[word of the instruction, the rest of it], …]`, continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return [line.split(maxsplit=1) for line in "\n".join(lines).replace("\\\n", " ").splitlines()]


def stages(path: Path) -> dict[str, list[list[str]]]:
    """The steps of each stage, by its name."""
    found: dict[str, list[list[str]]] = {}
    for word, rest in steps(path):
        if word == "FROM":
            found[rest.split()[-1]] = current = []
        elif found:
            current.append([word, rest])
    return found


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_linter_finds_nothing(path: Path) -> None:
    linter = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([linter, path], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", FILES, ids=str)
def test_the_base_is_pinned_and_nobody_is_root(path: Path) -> None:
    (default,) = [rest for word, rest in steps(path) if word == "ARG"]
    image, _, tag = default.removeprefix("PYTHON=").partition(":")
    (user,) = [rest for word, rest in stages(path)["base"] if word == "USER"]

    assert (image, tag.count(".")) == ("python", 2)
    assert all(int(number) > 1000 for number in user.split(":"))


@pytest.mark.parametrize("part", ["operators", "cortex"])
def test_the_deployments_run_what_the_images_run(part: str) -> None:
    ((_, entrypoint),) = [
        step for step in stages(ROOT / part / "deploy" / "Dockerfile")[part] if step[0] == "ENTRYPOINT"
    ]
    deployment = yaml.safe_load((ROOT / part / "deploy" / "base" / "deployment.yaml").read_text())

    assert deployment["spec"]["template"]["spec"]["containers"][0]["command"] == json.loads(entrypoint)


def test_the_recipes_differ_in_what_they_run_alone() -> None:
    operators, cortex = (stages(path) for path in FILES)

    assert operators["build"] == cortex["build"]
    assert operators["base"] == cortex["base"]


@pytest.mark.timeout(900)
def test_the_steps_make_what_runs(tmp_path: Path) -> None:
    """The build stage in a folder that stands for its root, then every entrypoint, as a program of that folder."""
    root = tmp_path / "root"
    for word, rest in stages(FILES[0])["build"]:
        if word == "WORKDIR":
            folder = root / rest.lstrip("/")
            folder.mkdir(parents=True)
        elif word == "COPY":
            *sources, target = rest.split()
            for source in sources:
                if (ROOT / source).is_dir():
                    shutil.copytree(ROOT / source, folder / target, ignore=IGNORED)
                else:
                    shutil.copy(ROOT / source, folder / target)
        else:
            assert word == "RUN"
            command = rest.replace("/opt/", f"{root}/opt/").replace("python -m", f"{shlex.quote(sys.executable)} -m", 1)
            subprocess.run(["sh", "-ec", command], cwd=folder, check=True)
    shutil.rmtree(root / "src")
    env = {"PATH": f"{root}/opt/kgents/bin{os.pathsep}{os.defpath}", "HOME": str(tmp_path)}
    for path in FILES:
        for _, entrypoint in (step for stage in stages(path).values() for step in stage if step[0] == "ENTRYPOINT"):
            words = [*json.loads(entrypoint), "--help"]
            done = subprocess.run(words, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
            assert (done.returncode, "usage: " in done.stdout) == (0, True), done.stderr
    shown = "from kgents.infra import manifests as m; print(len(m.crds()), len(m.workloads(m.Images.of())))"
    done = subprocess.run(
        ["python", "-P", "-c", shown], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["5", str(len(manifests.workloads(manifests.Images.of())))]
