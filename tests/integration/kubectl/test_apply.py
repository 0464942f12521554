"""`kubectl apply` in all its forms, and `kubectl diff`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kubectl.conftest import Shell, config_map


def listed(*objects: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


def deployment(image: str) -> dict[str, Any]:
    labels = {"app": "d"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


@pytest.mark.parametrize("flags", ["", "--server-side"])
def test_apply_leaves_alone_what_it_does_not_name(sh: Shell, flags: str) -> None:
    sh.apply(deployment("app:1"), flags=flags)
    sh("scale deployment d --replicas=3")
    sh.apply(deployment("app:2"), flags=flags)
    spec = sh.json("get deployment d")["spec"]
    assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (3, "app:2")
    sh("delete deployment d")


def test_a_list_is_applied_whole(sh: Shell) -> None:
    both = listed(config_map("l1"), config_map("l2", a="b"))
    assert sh("apply -f -", input=both) == "configmap/l1 created\nconfigmap/l2 created\n"
    assert sh("apply -f -", input=both) == "configmap/l1 unchanged\nconfigmap/l2 unchanged\n"
    assert sh("create -f -", input=listed(config_map("l3"))) == "configmap/l3 created\n"


def test_a_typo_in_a_list_is_found_by_the_published_schema(sh: Shell) -> None:
    wrong = {**config_map("typo"), "dta": {}}
    assert 'unknown field "dta" in io.k8s.api.core.v1.ConfigMap' in sh.fails("apply -f -", input=listed(wrong))


def test_a_folder_is_applied(sh: Shell, tmp_path: Path) -> None:
    for name in ("f1", "f2"):
        (tmp_path / f"{name}.json").write_text(json.dumps(config_map(name)))
    assert sh(f"apply -f {tmp_path}") == "configmap/f1 created\nconfigmap/f2 created\n"


def test_kustomizations_are_applied(sh: Shell, tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("configMapGenerator: [{name: kz, literals: [a=b]}]\n")
    assert sh(f"apply -k {tmp_path}").startswith("configmap/kz-")


def test_what_is_no_longer_in_the_set_is_pruned(sh: Shell) -> None:
    keep, drop = (config_map(name, {"set": "p"}) for name in ("keep", "drop"))
    sh.apply(keep, drop)
    listed = sh.apply(keep, flags="--prune -l set=p --prune-allowlist=core/v1/ConfigMap")
    assert listed == "configmap/keep unchanged\nconfigmap/drop pruned\n"


def test_pruning_knows_all_kinds_that_it_looks_for(sh: Shell) -> None:
    keep = config_map("all", {"set": "q"})
    sh.apply(keep, config_map("gone", {"set": "q"}))
    assert sh.apply(keep, flags="--prune -l set=q") == "configmap/all unchanged\nconfigmap/gone pruned\n"


def test_what_was_last_applied_can_be_seen_set_and_edited(sh: Shell) -> None:
    sh.apply(config_map("last", a="1"))
    assert 'a: "1"' in sh("apply view-last-applied configmap/last")
    sh("apply set-last-applied -f -", input=json.dumps(config_map("last", a="2")))
    assert 'a: "2"' in sh("apply view-last-applied configmap/last")


def test_server_side_apply_names_who_else_owns_a_field(sh: Shell) -> None:
    sh.apply(config_map("ours", a="1"))
    sh("patch configmap ours --type=merge -p", '{"data": {"a": "mine"}}')
    theirs = json.dumps(config_map("ours", a="2"))
    said = sh.fails("apply --server-side -f -", input=theirs)
    assert 'conflict with "kubectl-patch" using v1: .data.a' in said
    assert sh("apply --server-side --force-conflicts -f -", input=theirs) == "configmap/ours serverside-applied\n"


def test_the_way_from_client_side_to_server_side_apply_and_back_is_free(sh: Shell) -> None:
    sh.apply(config_map("both", a="1", b="1"))
    assert (
        sh("apply --server-side -f -", input=json.dumps(config_map("both", a="2")))
        == "configmap/both serverside-applied\n"
    )
    assert sh("get configmap both -o jsonpath={.data}") == '{"a":"2"}'
    assert sh("apply view-last-applied configmap both -o json").count('"b"') == 0
    sh.apply(config_map("both", a="3"))
    assert sh("get configmap both -o jsonpath={.data}") == '{"a":"3"}'


def test_diff_shows_what_would_change_and_says_so_by_its_exit_status(sh: Shell) -> None:
    sh.apply(config_map("old", a="1"))
    assert sh("diff -f -", input=json.dumps(config_map("old", a="1"))) == ""
    for flags in ("", "--server-side --force-conflicts "):
        arguments = f"diff {flags}-f - -n {sh.namespace}".split()
        done = sh.kubectl.run(*arguments, input=json.dumps(config_map("old", a="2")))
        assert done.returncode == 1
        assert '-  a: "1"\n+  a: "2"' in done.stdout
