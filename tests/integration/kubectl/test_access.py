"""`kubectl auth`, and what a user sees who may do little."""

from __future__ import annotations

import json
import re

from tests.integration.kubectl.conftest import Shell


def test_can_i_answers_for_oneself_and_for_others(sh: Shell) -> None:
    sh("create role reader --verb=get,list --resource=pods,pods/log")
    sh("create rolebinding reader --role=reader --user=bob")
    for line, answer in (
        ("create pods", "yes"),
        ("get pods --as=bob", "yes"),
        ("get pods/t --as=bob", "yes"),
        ("get pods --subresource=log --as=bob", "yes"),
        ("create pods --as=bob", "no"),
        ("get pods --as=bob -A", "no"),
        ("get /healthz --as=bob", "yes"),
        ("get /metrics --as=bob", "no"),
        ("delete deployments.apps --as=bob --as-group=system:masters", "yes"),
    ):
        done = sh.kubectl.run("-n", sh.namespace, "auth", "can-i", *line.split())
        assert (done.stdout.strip(), done.returncode) == (answer, 0 if answer == "yes" else 1), line


def test_the_list_of_what_one_may_do(sh: Shell) -> None:
    shown = sh("auth can-i --list --as=bob")
    assert re.search(r"^pods +\[\] +\[\] +\[get list\]$", shown, re.M), shown
    assert re.search(r"^selfsubjectreviews.authentication.k8s.io +\[\] +\[\] +\[create\]$", shown, re.M)


def test_who_one_is(sh: Shell) -> None:
    assert "system:masters" in sh("auth whoami")
    assert json.loads(sh("auth whoami --as=bob -o json"))["status"]["userInfo"]["username"] == "bob"


def test_roles_are_reconciled_not_replaced(sh: Shell) -> None:
    meta = {"name": "grown", "namespace": sh.namespace}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta}
    for verb in ("get", "list"):
        rule = {"apiGroups": [""], "resources": ["pods"], "verbs": [verb]}
        sh("auth reconcile -f -", input=json.dumps({**role, "rules": [rule]}))
    kept = sh.json("get role grown")["rules"]
    assert sorted(verb for rule in kept for verb in rule["verbs"]) == ["get", "list"]


def test_gathered_roles_show_their_rules(sh: Shell) -> None:
    assert "pods/log" in sh("get clusterrole view -o yaml")
    assert "configmaps" in sh("describe clusterrole edit")


def test_a_refusal_says_who_may_not_do_what(sh: Shell) -> None:
    said = sh.fails("get secrets --as=bob")
    assert said == (
        'Error from server (Forbidden): secrets is forbidden: User "bob" cannot list resource "secrets" '
        f'in API group "" in the namespace "{sh.namespace}"\n'
    )
