from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import Forbidden
from kgents.embedded.auth.user import ANONYMOUS, User

from .conftest import World

Grant = Callable[..., None]
JO = User("jo", groups=("system:authenticated",))


def rule(resources: str, verbs: str, **more: Any) -> dict[str, Any]:
    return {"apiGroups": [""], "resources": resources.split(), "verbs": verbs.split(), **more}


def ask(verb: str, resource: str, **more: str) -> Attributes:
    return Attributes(JO, verb, resource=resource, **{"namespace": "lab", **more})


def test_what_nobody_granted_is_denied(authorizer: Authorizer) -> None:
    assert not authorizer.authorize(ask("get", "pods"))


def test_a_role_holds_in_its_namespace_only(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("pods", "get"))

    assert authorizer.authorize(ask("get", "pods"))
    assert not authorizer.authorize(ask("get", "pods", namespace="other"))
    assert not authorizer.authorize(ask("get", "pods", namespace=""))


def test_a_cluster_role_holds_everywhere(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("pods", "get"), namespace="")

    assert authorizer.authorize(ask("get", "pods", namespace="other"))


def test_a_subresource_is_a_resource_of_its_own(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("pods", "get"))
    assert not authorizer.authorize(ask("get", "pods", subresource="log"))

    grant("jo", rule("pods/log", "get"))
    assert authorizer.authorize(ask("get", "pods", subresource="log"))


def test_a_star_before_a_subresource_means_any_resource(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("*/scale", "get"))

    assert authorizer.authorize(ask("get", "deployments", subresource="scale"))
    assert not authorizer.authorize(ask("get", "deployments", subresource="status"))


def test_resource_names_bind(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("secrets", "get list", resourceNames=["mine"]))

    assert authorizer.authorize(ask("get", "secrets", name="mine"))
    assert not authorizer.authorize(ask("get", "secrets", name="other"))
    assert not authorizer.authorize(ask("list", "secrets"))


def test_another_api_group_is_not_covered(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("widgets", "get"))

    assert not authorizer.authorize(ask("get", "widgets", group="example.com"))


@pytest.mark.parametrize(("path", "allowed"), [("/logs/a", True), ("/logs", False), ("/metrics", False)])
def test_a_path_may_end_in_a_star(authorizer: Authorizer, grant: Grant, path: str, allowed: bool) -> None:
    grant("jo", {"nonResourceURLs": ["/logs/*"], "verbs": ["get"]}, namespace="")

    assert bool(authorizer.authorize(Attributes(JO, "get", path=path))) is allowed


def test_a_role_binding_never_grants_paths(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"nonResourceURLs": ["*"], "verbs": ["*"]})

    assert not authorizer.authorize(Attributes(JO, "get", path="/metrics"))


def test_masters_need_no_roles(world: World, authorizer: Authorizer) -> None:
    world.roles.clear()
    admin = User("root", groups=("system:masters",))

    assert authorizer.authorize(Attributes(admin, "delete", resource="nodes", name="n"))


def test_a_change_counts_once_told(world: World, authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("pods", "get"))
    assert authorizer.authorize(ask("get", "pods"))

    world.roles[:] = [item for item in world.roles if item["kind"] != "RoleBinding"]
    authorizer.invalidate()

    assert not authorizer.authorize(ask("get", "pods"))


def test_a_binding_to_a_missing_role_grants_nothing(world: World, authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", rule("pods", "get"))
    world.roles[:] = [item for item in world.roles if item["kind"] != "Role"]
    authorizer.invalidate()

    assert not authorizer.authorize(ask("get", "pods"))


@pytest.mark.parametrize(("role", "secrets"), [("view", False), ("edit", True), ("admin", True)])
def test_view_reads_no_secrets_and_edit_does(world: World, authorizer: Authorizer, role: str, secrets: bool) -> None:
    reference = {"kind": "ClusterRole", "name": role}
    subjects = [{"kind": "User", "name": "jo"}]
    metadata = {"name": "b", "namespace": "lab"}
    world.roles.append({"kind": "RoleBinding", "metadata": metadata, "roleRef": reference, "subjects": subjects})

    assert authorizer.authorize(ask("list", "pods"))
    assert bool(authorizer.authorize(ask("get", "secrets"))) is secrets
    assert bool(authorizer.authorize(ask("create", "configmaps"))) is (role != "view")


def test_everybody_may_ask_for_health_and_the_known_for_discovery(authorizer: Authorizer) -> None:
    assert authorizer.authorize(Attributes(ANONYMOUS, "get", path="/healthz"))
    assert not authorizer.authorize(Attributes(ANONYMOUS, "get", path="/apis"))
    assert authorizer.authorize(Attributes(JO, "get", path="/apis/apps/v1"))


@pytest.mark.parametrize(
    ("attributes", "message", "details"),
    [
        (
            ask("list", "configmaps"),
            'configmaps is forbidden: User "jo" cannot list resource "configmaps" '
            'in API group "" in the namespace "lab"',
            {"kind": "configmaps"},
        ),
        (
            ask("patch", "widgets", group="example.com", subresource="status", name="x"),
            'widgets.example.com "x" is forbidden: User "jo" cannot patch resource "widgets/status" '
            'in API group "example.com" in the namespace "lab"',
            {"name": "x", "group": "example.com", "kind": "widgets"},
        ),
        (
            ask("list", "namespaces", namespace=""),
            'namespaces is forbidden: User "jo" cannot list resource "namespaces" in API group "" at the cluster scope',
            {"kind": "namespaces"},
        ),
        (Attributes(JO, "get", path="/metrics"), 'forbidden: User "jo" cannot get path "/metrics"', {}),
    ],
)
def test_a_refusal_is_worded_as_kubernetes_words_it(
    authorizer: Authorizer, attributes: Attributes, message: str, details: dict[str, str]
) -> None:
    with pytest.raises(Forbidden) as caught:
        authorizer.check(attributes)

    assert caught.value.status["message"] == message
    assert caught.value.status["details"] == details
