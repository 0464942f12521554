"""From a request's credentials to a user: a bearer token, a client certificate, or nobody.

A bad token is refused even where an anonymous caller would have been let in: whoever sends one wants to be known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.embedded.auth.errors import Unauthorized
from kgents.embedded.auth.service_accounts import Getter, ServiceAccountTokens
from kgents.embedded.auth.tokens import StaticTokens
from kgents.embedded.auth.user import ALL_AUTHENTICATED, ANONYMOUS, User

__all__ = ["Authenticator", "Getter", "ServiceAccountTokens"]


class Authenticator:
    """Asks each way of proving an identity in turn."""

    def __init__(self, static: StaticTokens, accounts: ServiceAccountTokens, *, anonymous: bool = True) -> None:
        self.static = static
        self.accounts = accounts
        self._anonymous = anonymous

    def authenticate(self, authorization: str | None, peer_certificate: Mapping[str, Any] | None = None) -> User:
        """The user behind an `Authorization` header and a client certificate, as `SSLObject.getpeercert()` gives it.

        Raises Unauthorized for a credential that is not valid, or for none where anonymous access is off.
        """
        if peer_certificate:
            known = certificate_user(peer_certificate)
            if known is not None:
                return known
        if authorization:
            scheme, _, rest = authorization.strip().partition(" ")
            # As in Kubernetes the token ends at the next space, and two spaces before it are none at all.
            token = rest.partition(" ")[0]
            if scheme.lower() == "bearer" and token:
                return self._bearer(token)
        if not self._anonymous:
            raise Unauthorized
        return ANONYMOUS

    def _bearer(self, token: str) -> User:
        user = self.static.lookup(token) or self.accounts.verify(token)
        if user is None:
            raise Unauthorized
        return user


def certificate_user(certificate: Mapping[str, Any]) -> User | None:
    """Common name and organizations of a client certificate as user and groups; None without a common name."""
    name = ""
    groups: list[str] = []
    for relative in certificate.get("subject", ()):
        for key, value in relative:
            if key == "commonName":
                name = value
            elif key == "organizationName":
                groups.append(value)
    return User(name, groups=tuple(dict.fromkeys([*groups, ALL_AUTHENTICATED]))) if name else None
