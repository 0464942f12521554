from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kgents.embedded.auth import escalation
from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.errors import Forbidden
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
