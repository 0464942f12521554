"""Acting as somebody else: the `Impersonate-*` headers, for whom RBAC allows it.

There are two ways to be allowed it, as in Kubernetes 1.36. The constrained one (KEP-5284) grants single verbs: both
`impersonate:<mode>` on who is impersonated and `impersonate-on:<mode>:<verb>` on what is then done. The old one grants
everything that the other may do, by the verb `impersonate`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol
from urllib.parse import unquote

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import Forbidden, bad_request
from kgents.embedded.auth.user import (
    ALL_AUTHENTICATED,
    ALL_UNAUTHENTICATED,
    ANONYMOUS,
    MASTERS,
    User,
    service_account_groups,
    split_service_account,
)

_EXTRA = "impersonate-extra-"
_GROUP = "authentication.k8s.io"
_NODE = "system:node:"
_NODES = "system:nodes"


class Headers(Protocol):
    """Request headers: several values a name, names without regard to case."""

    def get(self, key: str, default: str, /) -> str: ...
    def getall(self, key: str, default: list[str], /) -> list[str]: ...
    def keys(self) -> Iterable[str]: ...


@dataclass(frozen=True, slots=True)
class _Mode:
    """One way of being allowed to: the verb, and the group of the resources `users` and `groups`."""

    verb: str
    group: str
    on: str = ""


_LEGACY = _Mode("impersonate", "")


def impersonate(request: Attributes, headers: Headers, authorizer: Authorizer) -> User:
    """The user as whom a request is made: whom its headers ask for, or else who asks.

    Raises BadReview (400) for groups, uid or extras without a user name, Forbidden when the user may not be that one.
    """
    wanted = _wanted(headers)
    if wanted is None:
        return request.user
    refusals: list[Forbidden] = []
    for mode in (*_constrained(wanted), _LEGACY):
        try:
            return _checked(request, wanted, mode, authorizer)
        except Forbidden as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _wanted(headers: Headers) -> User | None:
    name, uid = headers.get("Impersonate-User", ""), headers.get("Impersonate-Uid", "")
    groups, extra = headers.getall("Impersonate-Group", []), _extras(headers)
    if name:
        return User(name, uid, tuple(groups), extra)
    if groups or uid or extra:
        raise bad_request(f"requested {groups or uid or dict(extra)} without impersonating a user name")
    return None


def _extras(headers: Headers) -> dict[str, tuple[str, ...]]:
    names = dict.fromkeys(key.lower() for key in headers.keys() if key.lower().startswith(_EXTRA))  # noqa: SIM118
    return {unquote(name.removeprefix(_EXTRA)): tuple(headers.getall(name, [])) for name in names}


def _constrained(wanted: User) -> Iterable[_Mode]:
    """The constrained way that fits whom is asked for, if any does: nodes and accounts have groups of their own."""
    kind = "user-info"
    if split_service_account(wanted.name) is not None:
        kind = "serviceaccount"
    elif wanted.name.startswith(_NODE):
        kind = "arbitrary-node"
    if kind != "user-info" and (wanted.uid or wanted.groups or wanted.extra):
        return
    yield _Mode(f"impersonate:{kind}", _GROUP, f"impersonate-on:{kind}:")


def _checked(request: Attributes, wanted: User, mode: _Mode, authorizer: Authorizer) -> User:
    """The user in full, once everything about him is allowed. Raises Forbidden."""
    if mode.on:
        authorizer.check(replace(request, verb=mode.on + request.verb))
    for one in _asked(request.user, wanted, mode):
        authorizer.check(one)
    if mode.on and (MASTERS in wanted.groups or "" in wanted.groups):
        raise Forbidden(f"groups.{_GROUP} is forbidden: impersonating the system:masters group is not allowed")
    groups = wanted.groups or _own_groups(wanted.name, mode)
    if wanted.name == ANONYMOUS.name:
        known = ALL_UNAUTHENTICATED
    else:
        known = ALL_UNAUTHENTICATED if ALL_UNAUTHENTICATED in groups else ALL_AUTHENTICATED
    return replace(wanted, groups=groups if known in groups else (*groups, known))


def _own_groups(name: str, mode: _Mode) -> tuple[str, ...]:
    account = split_service_account(name)
    if account is not None:
        return service_account_groups(account[0])
    return (_NODES,) if mode.on and name.startswith(_NODE) else ()


def _asked(user: User, wanted: User, mode: _Mode) -> Iterable[Attributes]:
    """One question for each thing about the other user."""
    account = split_service_account(wanted.name)
    if account is not None:
        yield Attributes(user, mode.verb, mode.group, resource="serviceaccounts", namespace=account[0], name=account[1])
    elif mode.on and wanted.name.startswith(_NODE):
        yield Attributes(user, mode.verb, mode.group, resource="nodes", name=wanted.name.removeprefix(_NODE))
    else:
        yield Attributes(user, mode.verb, mode.group, resource="users", name=wanted.name)
    if wanted.uid:
        yield Attributes(user, mode.verb, _GROUP, resource="uids", name=wanted.uid)
    for group in wanted.groups:
        yield Attributes(user, mode.verb, mode.group, resource="groups", name=group)
    for key, values in wanted.extra.items():
        for value in values:
            yield Attributes(user, mode.verb, _GROUP, resource="userextras", subresource=key, name=value)
