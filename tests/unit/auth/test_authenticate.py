from __future__ import annotations

import pytest

from kgents.embedded.auth.authenticate import Authenticator, certificate_user
from kgents.embedded.auth.errors import Unauthorized
from kgents.embedded.auth.user import ANONYMOUS


def test_no_credentials_are_anonymous(authenticator: Authenticator) -> None:
    assert authenticator.authenticate(None) is ANONYMOUS


def test_a_wrong_token_is_refused_rather_than_anonymous(authenticator: Authenticator) -> None:
    with pytest.raises(Unauthorized) as caught:
        authenticator.authenticate("Bearer not-a-token")

    assert caught.value.status["message"] == "Unauthorized"
    assert "details" not in caught.value.status


def test_the_administrators_token_opens(authenticator: Authenticator) -> None:
    user = authenticator.authenticate(f"Bearer {authenticator.static.admin_token}")

    assert "system:masters" in user.groups


def test_a_certificate_is_a_user_with_its_organizations_as_groups() -> None:
    subject = ((("organizationName", "dev"),), (("organizationName", "ops"),), (("commonName", "jo"),))

    user = certificate_user({"subject": subject})

    assert user is not None
    assert (user.name, user.groups) == ("jo", ("dev", "ops", "system:authenticated"))


def test_a_certificate_without_a_name_is_nobody() -> None:
    assert certificate_user({"subject": ((("organizationName", "system:masters"),),)}) is None
