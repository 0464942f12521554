"""Policies as users of kubectl meet them."""

from __future__ import annotations

from tests.integration.admission.place import Place
from tests.support.kubectl import Kubectl


def test_kubectl_lists_what_policies_and_bindings_are_about(place: Place, kubectl: Kubectl) -> None:
    binding = {"paramRef": {"name": "limit", "parameterNotFoundAction": "Allow"}}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    name = place.policy({"expression": "true"}, paramKind=kind, binding=binding)
    policy = kubectl("get", "validatingadmissionpolicies", name, "--no-headers").split()
    bound = kubectl("get", "validatingadmissionpolicybindings", name, "--no-headers").split()
    assert (policy[:3], bound[:3]) == ([name, "1", "v1/ConfigMap"], [name, name, "*/limit"])


def test_kubectl_says_why_a_policy_refuses_and_what_it_warns_of(place: Place, kubectl: Kubectl) -> None:
    place.policy({"expression": "object.data.a != 'b'", "message": "no b, please"})
    place.policy({"expression": "false", "message": "look twice"}, binding={"validationActions": ["Warn"]})
    create = ("create", "configmap", "-n", place.name)
    refused = kubectl.run(*create, "x", "--from-literal=a=b")
    warned = kubectl.run(*create, "x", "--from-literal=a=c")
    assert (refused.returncode, "denied request: no b, please" in refused.stderr) == (1, True)
    assert (warned.returncode, "look twice" in warned.stderr) == (0, True)
