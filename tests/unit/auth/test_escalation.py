from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kgents.embedded.auth import escalation
from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.errors import AuthError, Forbidden
from kgents.embedded.auth.user import User

Grant = Callable[..., None]
JO = User("jo", groups=("system:authenticated",))


def role(**rule: list[str]) -> dict[str, Any]:
    return {"kind": "Role", "metadata": {"name": "more", "namespace": "lab"}, "rules": [rule]}


SECRETS = role(apiGroups=[""], resources=["secrets"], verbs=["*"])
PODS = role(apiGroups=[""], resources=["pods"], verbs=["get"])


def test_nobody_grants_what_he_has_not(authorizer: Authorizer) -> None:
    with pytest.raises(Forbidden) as caught:
        escalation.check(authorizer, JO, "roles", SECRETS, None)

    assert caught.value.status["message"] == (
        'roles.rbac.authorization.k8s.io "more" is forbidden: user "jo" (groups=["system:authenticated"]) is '
        'attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["*"]}'
    )


def test_what_one_holds_one_may_grant(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]})

    escalation.check(authorizer, JO, "roles", PODS, None)


def test_single_names_do_not_cover_all(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"apiGroups": [""], "resources": ["pods"], "resourceNames": ["mine"], "verbs": ["get"]})

    with pytest.raises(Forbidden):
        escalation.check(authorizer, JO, "roles", PODS, None)


def test_an_unchanged_role_may_be_written(authorizer: Authorizer) -> None:
    escalation.check(authorizer, JO, "roles", SECRETS, SECRETS)


def test_the_verb_escalate_lifts_the_rule(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"apiGroups": [escalation.GROUP], "resources": ["roles"], "verbs": ["escalate"]})

    escalation.check(authorizer, JO, "roles", SECRETS, None)


@pytest.mark.parametrize("allowed", [True, False])
def test_binding_a_role_needs_its_permissions_or_the_verb_bind(
    authorizer: Authorizer, grant: Grant, allowed: bool
) -> None:
    if allowed:
        grant("jo", {"apiGroups": [escalation.GROUP], "resources": ["clusterroles"], "verbs": ["bind"]})
    metadata = {"name": "b", "namespace": "lab"}
    binding = {"metadata": metadata, "roleRef": {"kind": "ClusterRole", "name": "edit"}, "subjects": []}

    if allowed:
        escalation.check(authorizer, JO, "rolebindings", binding, None)
    else:
        with pytest.raises(Forbidden):
            escalation.check(authorizer, JO, "rolebindings", binding, None)


def test_only_what_is_missing_is_told_one_line_a_resource(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["get"]})
    wanted = role(apiGroups=["apps", ""], resources=["pods"], verbs=["get", "list"])

    with pytest.raises(Forbidden) as caught:
        escalation.check(authorizer, JO, "roles", wanted, None)

    lines = caught.value.status["message"].splitlines()[1:]
    assert lines == [
        '{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}',
        '{APIGroups:["apps"], Resources:["pods"], Verbs:["list"]}',
    ]


def test_a_role_that_is_not_there_cannot_be_bound(authorizer: Authorizer) -> None:
    binding = {"metadata": {"name": "b", "namespace": "lab"}, "roleRef": {"kind": "Role", "name": "later"}}

    with pytest.raises(AuthError) as caught:
        escalation.check(authorizer, JO, "rolebindings", binding, None)

    assert caught.value.status["message"] == 'roles.rbac.authorization.k8s.io "later" not found'


def test_gathering_rules_takes_every_permission(authorizer: Authorizer) -> None:
    gathering = {"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": [{}]}}

    with pytest.raises(Forbidden, match="must have cluster-admin privileges to use the aggregationRule"):
        escalation.check(authorizer, JO, "clusterroles", gathering, None)


def test_the_garbage_collector_may_take_a_finalizer_off(authorizer: Authorizer) -> None:
    held = {**SECRETS, "metadata": {**SECRETS["metadata"], "finalizers": ["x/y"]}}

    escalation.check(authorizer, JO, "roles", SECRETS, held)


def test_a_label_on_a_role_takes_what_is_in_it(authorizer: Authorizer) -> None:
    labelled = {**SECRETS, "metadata": {**SECRETS["metadata"], "labels": {"a": "b"}}}

    with pytest.raises(Forbidden):
        escalation.check(authorizer, JO, "roles", labelled, SECRETS)
