"""Policies in a real server: parameters, actions, failures, and policies that go while a write is on its way."""

from __future__ import annotations

import threading

import pytest

from tests.integration.admission.place import GROUP, MERGE, RULE, Place
from tests.support.kubectl import Kubectl
from tests.support.webhook import Webhook, patching

CONFIG_KIND = {"apiVersion": "v1", "kind": "ConfigMap"}
LIMIT = {"expression": "size(object.data) <= int(params.data.max)", "message": "too many entries"}
ON_SECRETS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["secrets"]}
BROKEN = {"expression": "object.data.nosuch == 'x'"}


def put_secret(place: Place, entries: int) -> int:
    data = {f"k{index}": "dg==" for index in range(entries)}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"generateName": "s-"}, "data": data}
    return place.request("POST", f"/api/v1/namespaces/{place.name}/secrets", body).status


def limited(place: Place, reference: dict[str, object]) -> None:
    place.policy(LIMIT, rule=ON_SECRETS, paramKind=CONFIG_KIND, binding={"paramRef": reference})


def test_an_expression_that_fails_refuses_the_write(place: Place) -> None:
    place.policy(BROKEN)
    reply = place.put_map("a")
    assert reply.status == 422
    assert reply.body["message"].endswith(
        "expression 'object.data.nosuch == 'x'' resulted in error: no such key: nosuch"
    )


def test_an_expression_that_fails_may_be_ignored(place: Place) -> None:
    place.policy(BROKEN, failurePolicy="Ignore")
    assert place.put_map("a").status == 201


def test_an_expression_without_end_is_stopped_and_refuses(place: Place) -> None:
    digits = "[0,1,2,3,4,5,6,7,8,9]"
    nested = "true"
    for name in ("a", "b", "c", "d", "e", "f", "g"):
        nested = f"{digits}.all({name}, {nested})"
    place.policy({"expression": nested})
    reply = place.put_map("a")
    assert (reply.status, "cost limit exceeded" in reply.body["message"]) == (422, True)


def test_a_variable_that_is_not_needed_may_fail(place: Place) -> None:
    broken = [{"name": "x", "expression": "object.data.nosuch"}]
    place.policy({"expression": "!('nosuch' in object.data) || variables.x == '1'"}, variables=broken)
    assert place.put_map("a").status == 201


def test_a_parameter_is_read_by_name_from_the_namespace_of_the_write(place: Place) -> None:
    place.put_map("limit", {"max": "1"})
    limited(place, {"name": "limit", "parameterNotFoundAction": "Deny"})
    assert [put_secret(place, entries) for entries in (1, 2)] == [201, 422]


def test_a_changed_parameter_counts_for_the_next_write(place: Place) -> None:
    place.put_map("limit", {"max": "1"})
    limited(place, {"name": "limit", "parameterNotFoundAction": "Deny"})
    place.request("PATCH", f"{place.maps}/limit", {"data": {"max": "2"}}, contentType=MERGE)
    assert put_secret(place, 2) == 201


def test_all_selected_parameters_must_agree(place: Place) -> None:
    limited(place, {"selector": {"matchLabels": {"limit": "yes"}}, "parameterNotFoundAction": "Allow"})
    place.put_map("high", {"max": "5"}, labels={"limit": "yes"})
    before = put_secret(place, 2)
    place.put_map("low", {"max": "1"}, labels={"limit": "yes"})
    assert (before, put_secret(place, 2)) == (201, 422)


@pytest.mark.parametrize(("action", "status"), [("Deny", 422), ("Allow", 201)])
def test_a_missing_parameter_denies_or_allows_as_the_binding_says(place: Place, action: str, status: int) -> None:
    limited(place, {"name": "nosuch", "parameterNotFoundAction": action})
    assert put_secret(place, 1) == status


def test_a_namespace_is_shown_with_its_labels(place: Place) -> None:
    place.policy({"expression": "namespaceObject.metadata.labels['freeze'] != 'yes'", "reason": "Forbidden"})
    path = f"/api/v1/namespaces/{place.name}"
    for value in ("no", "yes"):
        place.request("PATCH", path, {"metadata": {"labels": {"freeze": value}}}, contentType=MERGE)
    assert place.put_map("a").status == 403


def test_a_deletion_is_judged_by_the_old_object(place: Place) -> None:
    rule = {**RULE, "operations": ["DELETE"]}
    place.policy({"expression": "object == null && oldObject.data.some != 'data'"}, rule=rule)
    place.put_map("a")
    place.put_map("b", {"some": "other"})
    assert [place.request("DELETE", f"{place.maps}/{name}").status for name in ("a", "b")] == [422, 200]


def test_resource_names_narrow_a_rule(place: Place) -> None:
    place.policy({"expression": "false"}, rule={**RULE, "resourceNames": ["guarded"]})
    assert [place.put_map(name).status for name in ("guarded", "free")] == [422, 201]


def test_a_message_that_fails_falls_back_to_the_fixed_one(place: Place) -> None:
    place.policy({"expression": "false", "messageExpression": "string(object.data.nosuch)", "message": "plain words"})
    assert place.put_map("a").body["message"].endswith("denied request: plain words")


def test_numbers_beyond_64_bits_do_not_blind_a_policy(place: Place) -> None:
    rule = {**RULE, "apiGroups": ["apps"], "resources": ["controllerrevisions"]}
    place.policy({"expression": "object.revision < 5"}, rule=rule)
    body = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": "r"}, "revision": 9}
    path = f"/apis/apps/v1/namespaces/{place.name}/controllerrevisions"
    reply = place.request("POST", path, {**body, "data": {"big": 2**64 - 1}})
    assert (reply.status, "failed expression" in reply.body["message"]) == (422, True)


def test_a_policy_deleted_while_a_write_is_judged_leaves_the_write_whole(place: Place, webhook: Webhook) -> None:
    arrived = threading.Event()

    def wait(review: dict[str, object]) -> dict[str, object]:
        arrived.set()
        return webhook.hang(review)

    webhook.routes["/"] = wait
    place.hooks("Mutating", webhook, {})
    name = place.policy({"expression": "false"})
    answers: list[int] = []
    writing = threading.Thread(target=lambda: answers.append(place.put_map("a").status))
    writing.start()
    assert arrived.wait(30)
    for plural in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        assert place.request("DELETE", f"{GROUP}/{plural}/{name}").status == 200
    webhook.released.set()
    writing.join(30)
    assert answers == [201]


def test_a_policy_in_force_with_the_answer_that_made_it(place: Place) -> None:
    for index in range(5):
        place.policy({"expression": f"object.metadata.name != 'n{index}'"})
        assert place.put_map(f"n{index}").status == 422


def test_a_binding_without_a_policy_does_nothing(place: Place) -> None:
    body = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding"}
    spec = {"policyName": "nosuch", "validationActions": ["Deny"]}
    path = f"{GROUP}/validatingadmissionpolicybindings"
    place.make(path, {**body, "metadata": {"name": f"{place.name}-b"}, "spec": spec})
    assert place.put_map("a").status == 201


def test_a_policy_sees_what_scale_asks_for(place: Place, webhook: Webhook) -> None:
    rule = {**RULE, "apiGroups": ["apps"], "resources": ["deployments/scale"]}
    place.policy({"expression": "object.kind == 'Scale' && object.spec.replicas <= 3"}, rule=rule)
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = f"/apis/apps/v1/namespaces/{place.name}/deployments"
    place.request(
        "POST", path, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    )
    patches = ({"spec": {"replicas": count}} for count in (3, 4))
    replies = [place.request("PATCH", f"{path}/d/scale", patch, contentType=MERGE).status for patch in patches]
    assert replies == [200, 422]


def test_a_webhook_may_change_what_scale_asks_for(place: Place, webhook: Webhook) -> None:
    rule = {**RULE, "apiGroups": ["apps"], "resources": ["replicasets/scale"]}
    webhook.routes["/"] = patching({"op": "replace", "path": "/spec/replicas", "value": 2})
    place.hooks("Mutating", webhook, {"rule": rule})
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    path = f"/apis/apps/v1/namespaces/{place.name}/replicasets"
    place.request(
        "POST", path, {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "d"}, "spec": spec}
    )
    place.request("PATCH", f"{path}/d/scale", {"spec": {"replicas": 9}}, contentType=MERGE)
    assert place.request("GET", f"{path}/d").body["spec"]["replicas"] == 2


def test_an_eviction_is_judged(place: Place, kubectl: Kubectl) -> None:
    rule = {**RULE, "operations": ["CREATE"], "resources": ["pods/eviction"]}
    place.policy({"expression": "false", "reason": "Forbidden"}, rule=rule)
    kubectl.make_account("default", place.name)
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    path = f"/api/v1/namespaces/{place.name}/pods"
    place.make(path, {"apiVersion": "v1", "kind": "Pod", **pod})
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    assert place.request("POST", f"{path}/p/eviction", eviction).status == 403


def test_a_policy_with_many_rules_is_evaluated_beside_the_others(place: Place) -> None:
    rules = [{"expression": f"object.metadata.name != 'n{index}'", "message": f"not {index}"} for index in range(80)]
    place.policy(*rules)
    reply = place.put_map("n79")
    assert (reply.status, reply.body["message"].endswith("not 79"), place.put_map("free").status) == (422, True, 201)


def test_policies_judge_webhooks_but_neither_each_other_nor_questions(place: Place, webhook: Webhook) -> None:
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["*"], "scope": "Cluster"}
    judged = "object.metadata.?name.orValue('').startsWith('judged-')"
    mine = {"name": "mine", "expression": f"{judged} || request.kind.kind == 'SelfSubjectAccessReview'"}
    everything = {"resourceRules": [rule]}
    name = place.policy({"expression": "false"}, matchConstraints=everything, matchConditions=[mine])
    hooks = {"metadata": {"name": f"judged-{name}"}, "webhooks": []}
    assert place.request("POST", f"{GROUP}/validatingwebhookconfigurations", hooks).status == 422
    binding = {"metadata": {"name": f"judged-{name}"}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
    place.make(f"{GROUP}/validatingadmissionpolicybindings", binding)
    question = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    assert place.request("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", question).status == 201
