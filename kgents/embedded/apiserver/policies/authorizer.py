"""The `authorizer` of policies: asking the server's own authorization, from CEL.

CEL values here are plain maps, so each step of `authorizer.group('').resource('pods').check('get').allowed()` returns
a map with what was said so far. Who is asked about, and by whom it is decided, is set around the evaluation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.user import ALL_AUTHENTICATED, User, service_account_groups, service_account_name

if TYPE_CHECKING:
    from kgents.embedded.apiserver.admission import Review

Said = dict[str, Any]
STEP = "authorizer"
"""The key that says how far a chain has come: root, group, resource, path or decision."""
_asking: ContextVar[tuple[Authorizer, User]] = ContextVar("asking")


@contextmanager
def asking(authorizer: Authorizer, user: User) -> Iterator[None]:
    """Within this, expressions ask `authorizer` about `user`."""
    token = _asking.set((authorizer, user))
    try:
        yield
    finally:
        _asking.reset(token)


def root(review: Review) -> Said:
    """The value of the variable `authorizer`."""
    call = review.call
    asked: Said = {STEP: "resource", "group": call.resource.group, "resource": call.resource.plural}
    if review.subresource:
        asked["subresource"] = review.subresource
    if call.info.namespace:
        asked["namespace"] = call.info.namespace
    if review.name:
        asked["name"] = review.name
    return {STEP: "root", "requestResource": asked}


def _need(said: Mapping[str, Any], *steps: str) -> None:
    if said.get(STEP) not in steps:
        raise ValueError("no such overload")


def _group(said: Said, group: str) -> Said:
    _need(said, "root")
    return {**_account(said), STEP: "group", "group": group}


def _account(said: Said) -> Said:
    return {key: said[key] for key in ("user", "groups") if key in said}


def _service_account(said: Said, namespace: str, name: str) -> Said:
    _need(said, "root")
    groups = [*service_account_groups(namespace), ALL_AUTHENTICATED]
    return {STEP: "root", "user": service_account_name(namespace, name), "groups": groups}


def _path(said: Said, path: str) -> Said:
    _need(said, "root")
    return {**_account(said), STEP: "path", "path": path}


def _resource(said: Said, resource: str) -> Said:
    _need(said, "group")
    return {**said, STEP: "resource", "resource": resource}


def _with(key: str) -> Callable[[Said, str], Said]:
    def narrowed(said: Said, value: str) -> Said:
        _need(said, "resource")
        return {**said, key: value}

    return narrowed


def _unnarrowed(said: Said, _selector: str) -> Said:
    """Selectors narrow a permission only for authorizers that know them; RBAC does not."""
    _need(said, "resource")
    return said


def _check(said: Said, verb: str) -> Said:
    _need(said, "resource", "path")
    try:
        authorizer, user = _asking.get()
    except LookupError as error:
        raise ValueError("authorizer is not available here") from error
    if "user" in said:
        user = User(str(said["user"]), groups=tuple(said["groups"]))
    if said[STEP] == "path":
        attributes = Attributes(user, verb, path=str(said["path"]))
    else:
        names = ("group", "resource", "subresource", "namespace", "name")
        # Kubernetes asks for any version; RBAC looks at none.
        attributes = Attributes(user, verb, version="*", **{name: str(said.get(name, "")) for name in names})
    decision = authorizer.authorize(attributes)
    return {STEP: "decision", "allowed": decision.allowed, "reason": decision.reason}


def _allowed(said: Said) -> bool:
    _need(said, "decision")
    return bool(said["allowed"])


def _reason(said: Said) -> str:
    _need(said, "decision")
    return str(said["reason"])


def _errored(said: Said) -> bool:
    _need(said, "decision")
    return False


def _error(said: Said) -> str:
    _need(said, "decision")
    return ""


TABLE: tuple[tuple[str, str, tuple[str, ...], Callable[..., Any]], ...] = (
    ("group", "map", ("string",), _group),
    ("serviceAccount", "map", ("string", "string"), _service_account),
    ("path", "map", ("string",), _path),
    ("resource", "map", ("string",), _resource),
    ("subresource", "map", ("string",), _with("subresource")),
    ("namespace", "map", ("string",), _with("namespace")),
    ("name", "map", ("string",), _with("name")),
    ("fieldSelector", "map", ("string",), _unnarrowed),
    ("labelSelector", "map", ("string",), _unnarrowed),
    ("check", "map", ("string",), _check),
    ("allowed", "bool", (), _allowed),
    ("reason", "string", (), _reason),
    ("errored", "bool", (), _errored),
    ("error", "string", (), _error),
)


def functions() -> list[Any]:
    """The declarations of the library, for an environment."""
    from kgents.embedded.schema.cel import modules

    cel = modules()
    kinds = {"map": cel.Type.MAP, "string": cel.Type.STRING, "bool": cel.Type.BOOL}
    return [
        cel.FunctionDecl(
            name,
            [
                cel.Overload(
                    f"authorizer_{name}",
                    return_type=kinds[result],
                    parameters=[kinds["map"], *(kinds[one] for one in parameters)],
                    is_member=True,
                    impl=code,
                )
            ],
        )
        for name, result, parameters, code in TABLE
    ]
