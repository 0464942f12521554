from __future__ import annotations

import pytest
from multidict import CIMultiDict

from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.errors import BadReview, Forbidden
from kgents.embedded.auth.impersonate import impersonate
from kgents.embedded.auth.user import ANONYMOUS, User

ADMIN = User("admin", groups=("system:masters",))


def headers(*pairs: tuple[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(pairs)


def test_without_headers_one_stays_oneself(authorizer: Authorizer) -> None:
    assert impersonate(ADMIN, headers(("Accept", "*/*")), authorizer) is ADMIN


def test_a_user_with_groups_and_extras(authorizer: Authorizer) -> None:
    asked = headers(
        ("Impersonate-User", "alice"), ("Impersonate-Group", "dev"), ("Impersonate-Extra-Reason", "testing")
    )

    assert impersonate(ADMIN, asked, authorizer).to_dict() == {
        "username": "alice",
        "groups": ["dev", "system:authenticated"],
        "extra": {"reason": ["testing"]},
    }


def test_a_service_account_gets_its_groups(authorizer: Authorizer) -> None:
    user = impersonate(ADMIN, headers(("Impersonate-User", "system:serviceaccount:lab:bot")), authorizer)

    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated")


def test_a_group_without_a_user_is_a_bad_request(authorizer: Authorizer) -> None:
    with pytest.raises(BadReview) as caught:
        impersonate(ADMIN, headers(("Impersonate-Group", "dev")), authorizer)

    assert caught.value.code == 400


def test_who_may_not_is_refused(authorizer: Authorizer) -> None:
    with pytest.raises(Forbidden, match='cannot impersonate resource "users"'):
        impersonate(ANONYMOUS, headers(("Impersonate-User", "carol")), authorizer)
