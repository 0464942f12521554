"""Acting as somebody else: the `Impersonate-*` headers, for whom RBAC allows the verb `impersonate`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol
from urllib.parse import unquote

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import bad_request
from kgents.embedded.auth.user import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    User,
    service_account_groups,
    split_service_account,
)

_EXTRA = "impersonate-extra-"
_GROUP = "authentication.k8s.io"


class Headers(Protocol):
    """Request headers: several values a name, names without regard to case."""

    def get(self, key: str, default: str, /) -> str: ...
    def getall(self, key: str, default: list[str], /) -> list[str]: ...
    def keys(self) -> Iterable[str]: ...


def impersonate(user: User, headers: Headers, authorizer: Authorizer) -> User:
    """The user that `user` asks to be, or `user` itself when no header asks for another.

    Raises BadReview (400) for groups, uid or extras without a user name; Forbidden when `user` may not be one of them.
    """
    name = headers.get("Impersonate-User", "")
    groups = headers.getall("Impersonate-Group", [])
    uid = headers.get("Impersonate-Uid", "")
    extra = _extras(headers)
    if not name:
        if groups or uid or extra:
            raise bad_request(f"requested {groups or uid or dict(extra)} without impersonating a user name")
        return user
    _check(user, authorizer, name, groups, uid, extra)
    account = split_service_account(name)
    if account is not None and not groups:
        groups = list(service_account_groups(account[0]))
    known = ALL_UNAUTHENTICATED if name == ANONYMOUS.name else ALL_AUTHENTICATED
    if not {ALL_AUTHENTICATED, ALL_UNAUTHENTICATED} & set(groups):
        groups = [*groups, known]
    return User(name, uid, tuple(groups), extra)


def _check(
    user: User,
    authorizer: Authorizer,
    name: str,
    groups: Iterable[str],
    uid: str,
    extra: dict[str, tuple[str, ...]],
) -> None:
    account = split_service_account(name)
    if account is None:
        authorizer.check(Attributes(user, "impersonate", resource="users", name=name))
    else:
        namespace, short = account
        authorizer.check(Attributes(user, "impersonate", resource="serviceaccounts", namespace=namespace, name=short))
    for group in groups:
        authorizer.check(Attributes(user, "impersonate", resource="groups", name=group))
    if uid:
        authorizer.check(Attributes(user, "impersonate", group=_GROUP, resource="uids", name=uid))
    for key, values in extra.items():
        for value in values:
            authorizer.check(
                Attributes(user, "impersonate", group=_GROUP, resource="userextras", subresource=key, name=value)
            )


def _extras(headers: Headers) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(key.lower() for key in headers.keys() if key.lower().startswith(_EXTRA))  # noqa: SIM118
    return {unquote(name.removeprefix(_EXTRA)): tuple(headers.getall(name, [])) for name in names}
