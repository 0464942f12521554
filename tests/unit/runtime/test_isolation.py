"""What is opened for a program, and what of a securityContext can be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.runtime.isolation import Fence, Means, fence
from kgents.embedded.runtime.isolation_paths import Plan
from kgents.embedded.runtime.security import CAPABILITIES, wanted
from kgents.embedded.runtime.volumes import Unsupported

POD: dict[str, Any] = {"spec": {"containers": []}}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("keys/deep", "project", "near"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "file").touch()
    return tmp_path


def planned(home: Path) -> Plan:
    return Plan((str(home / "keys" / "deep"),), str(home))


def test_a_folder_around_keys_is_opened_entry_by_entry(home: Path) -> None:
    plan = planned(home)
    (home / "keys" / "beside").touch()
    (home / "link").symlink_to(home / "keys" / "deep")
    assert not plan.working_dir(str(home))
    assert set(plan.listed) == {str(home), str(home / "keys")}
    assert set(plan.write) == {str(home / name) for name in ("keys/beside", "project", "near", "file")}


@pytest.mark.parametrize("path", ["keys/deep", "keys/deep/more", "project/../keys/deep", "link", "link/more"])
def test_what_is_kept_is_never_opened_whatever_leads_there(home: Path, path: str) -> None:
    plan = planned(home)
    (home / "link").symlink_to("keys/deep")
    assert not plan.allow(plan.trace(str(home / path)), write=True)
    assert not plan.write and not plan.listed


def test_keys_that_do_not_exist_yet_are_kept_as_well(home: Path) -> None:
    plan = Plan((str(home / "project" / "later"),), str(home))
    assert not plan.working_dir(str(home / "project"))
    assert not plan.write


def test_the_links_on_the_way_are_noted_and_circles_end(home: Path) -> None:
    plan = planned(home)
    (home / "one").symlink_to("project")
    (home / "round").symlink_to("round")
    assert plan.trace(str(home / "one" / "x" / ".." / "y")) == str(home / "project" / "y")
    assert plan.links[str(home / "one")] == "project"
    assert plan.trace(str(home / "round"))


@pytest.mark.parametrize("path", ["/", "/etc", "/usr", "/tmp", "/home", "/proc/1", "/dev", "/no/such"])
def test_the_systems_own_folders_are_not_opened_for_writing(home: Path, path: str) -> None:
    plan = planned(home)
    assert plan.working_dir(path)
    assert not plan.write


def test_a_virtual_environment_is_opened_with_the_python_it_was_made_from(home: Path) -> None:
    (home / "venv" / "bin").mkdir(parents=True)
    (home / "python" / "bin").mkdir(parents=True)
    (home / "python" / "lib" / "python3.11").mkdir(parents=True)
    (home / "venv" / "pyvenv.cfg").write_text(f"home = {home}/python/bin\n")
    plan = planned(home)
    plan.prefix(str(home / "venv"))
    assert set(plan.read) == {str(home / "venv"), str(home / "python")}


def test_a_script_brings_its_interpreter_and_what_lies_beside_it(home: Path) -> None:
    (home / "near" / "interpreter").write_text("")
    script = home / "project" / "script"
    script.write_text(f"#!{home}/near/interpreter -x\n")
    script.chmod(0o755)
    plan = planned(home)
    plan.command([str(script)], {"PATH": "/usr/bin"}, "/")
    assert set(plan.read) == {str(home / "project"), str(home / "near")}


def test_a_program_in_a_home_opens_itself_and_not_the_home(home: Path) -> None:
    plan = planned(home)
    plan.command([str(home / "file")], {"PATH": "/usr/bin"}, "/")
    assert set(plan.read) == {str(home / "file")}


def test_a_working_directory_among_the_kept_is_refused(home: Path) -> None:
    kept = Fence(Means(7, True), (str(home / "keys"),), str(home))
    spec = {"argv": ["true"], "env": {}, "cwd": str(home / "keys" / "deep"), "mounts": []}
    with pytest.raises(Unsupported, match="kept from pods"):
        kept.around(POD, {}, spec, {})
    assert kept.around(POD, {}, spec, {str(home / "keys" / "deep"): True})["notes"] == []


def test_the_hive_and_where_people_keep_keys_are_kept(home: Path) -> None:
    kept = fence(Means(7, True), home / "hive", [home / "kubeconfig"]).kept
    user = Path.home().resolve()
    assert {str(home / "hive"), str(home / "kubeconfig"), str(user / ".kube"), str(user / ".ssh")} <= set(kept)


@pytest.mark.parametrize(
    ("means", "mode", "lacking"),
    [(Means(7, True), "landlock", 1), (Means(3, False), "landlock", 3), (Means(why="no Landlock"), "none", 5)],
)
def test_what_is_missing_is_said(means: Means, mode: str, lacking: int) -> None:
    told = means.told()
    assert (told["mode"], len(told["lacks"])) == (mode, lacking)
    assert told.get("reason", "") == means.why


def asked(uid: int = 0, spaces: bool = True, **context: Any) -> Any:
    return wanted(POD, {"securityContext": context}, uid, uid, spaces=spaces)


def test_root_runs_a_pod_as_whom_it_asks_for() -> None:
    made = asked(runAsUser=7, runAsGroup=8, readOnlyRootFilesystem=True)
    assert made.user == {"uid": 7, "gid": 8, "groups": []}
    assert made.read_only_root and not made.unmet


@pytest.mark.parametrize(("uid", "spaces", "why"), [(1000, True, "own user 1000"), (0, False, "mounts are refused")])
def test_who_cannot_be_another_says_so(uid: int, spaces: bool, why: str) -> None:
    made = asked(uid, spaces, runAsUser=7)
    assert made.user is None and why in made.unmet[0]


def test_capabilities_are_dropped_and_only_harmless_ones_added() -> None:
    made = asked(capabilities={"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "CAP_SYS_ADMIN"]})
    assert made.capabilities == [CAPABILITIES["NET_BIND_SERVICE"]]
    assert made.unmet == ["capabilities.add SYS_ADMIN: not given"]


def test_what_is_not_offered_is_said_and_the_usual_is_not() -> None:
    assert not asked(seccompProfile={"type": "RuntimeDefault"}, runAsNonRoot=False).unmet
    unmet = asked(seccompProfile={"type": "Localhost"}, privileged=True, runAsNonRoot=True).unmet
    assert [one.partition(":")[0] for one in unmet] == ["privileged", "runAsNonRoot", "seccompProfile"]
