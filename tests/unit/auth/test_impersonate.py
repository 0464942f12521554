from __future__ import annotations

from collections.abc import Callable

import pytest
from multidict import CIMultiDict

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import BadReview, Forbidden
from kgents.embedded.auth.impersonate import impersonate
from kgents.embedded.auth.user import ANONYMOUS, User

Grant = Callable[..., None]
JO = User("jo", groups=("system:authenticated",))
ADMIN = User("admin", groups=("system:masters",))


def listing(user: User) -> Attributes:
    return Attributes(user, "list", resource="configmaps", namespace="lab")


def headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(pairs)


def test_without_headers_one_stays_oneself(authorizer: Authorizer) -> None:
    assert impersonate(listing(ADMIN), headers(("Accept", "*/*")), authorizer) is ADMIN


def test_a_user_with_groups_and_extras(authorizer: Authorizer) -> None:
    asked = headers(
        ("Impersonate-User", "alice"), ("Impersonate-Group", "dev"), ("Impersonate-Extra-Reason", "testing")
    )

    assert impersonate(listing(ADMIN), asked, authorizer).to_dict() == {
        "username": "alice",
        "groups": ["dev", "system:authenticated"],
        "extra": {"reason": ["testing"]},
    }


def test_a_service_account_gets_its_groups(authorizer: Authorizer) -> None:
    user = impersonate(listing(ADMIN), headers(("Impersonate-User", "system:serviceaccount:lab:bot")), authorizer)

    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated")


def test_a_group_without_a_user_is_a_bad_request(authorizer: Authorizer) -> None:
    with pytest.raises(BadReview) as caught:
        impersonate(listing(ADMIN), headers(("Impersonate-Group", "dev")), authorizer)

    assert caught.value.code == 400


def test_who_may_not_is_refused(authorizer: Authorizer) -> None:
    with pytest.raises(Forbidden, match="cannot impersonate-on:user-info:list resource"):
        impersonate(listing(ANONYMOUS), headers(("Impersonate-User", "carol")), authorizer)


def test_an_old_grant_suffices(authorizer: Authorizer, grant: Grant) -> None:
    grant("jo", {"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}, namespace="")

    assert impersonate(listing(JO), headers(("Impersonate-User", "carol")), authorizer).name == "carol"


@pytest.mark.parametrize(("verb", "allowed"), [("list", True), ("delete", False)])
def test_a_constrained_grant_is_for_its_verbs_only(
    authorizer: Authorizer, grant: Grant, verb: str, allowed: bool
) -> None:
    grant(
        "jo",
        {"apiGroups": ["authentication.k8s.io"], "resources": ["users"], "verbs": ["impersonate:user-info"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["impersonate-on:user-info:list"]},
        namespace="",
    )
    asked = Attributes(JO, verb, resource="configmaps", namespace="lab")

    if allowed:
        assert impersonate(asked, headers(("Impersonate-User", "carol")), authorizer).name == "carol"
    else:
        with pytest.raises(Forbidden, match="impersonate-on:user-info:delete"):
            impersonate(asked, headers(("Impersonate-User", "carol")), authorizer)


def test_the_masters_are_nobody_to_be_in_the_constrained_way(authorizer: Authorizer, grant: Grant) -> None:
    grant(
        "jo",
        {"apiGroups": ["authentication.k8s.io"], "resources": ["*"], "verbs": ["impersonate:user-info"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["impersonate-on:user-info:list"]},
        namespace="",
    )

    with pytest.raises(Forbidden, match="system:masters"):
        impersonate(
            listing(JO), headers(("Impersonate-User", "carol"), ("Impersonate-Group", "system:masters")), authorizer
        )
