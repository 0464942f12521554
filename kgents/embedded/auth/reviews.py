"""Questions about identity and permission, asked as objects: one comes in, the same one goes out with a status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kgents.embedded.auth.authenticate import Authenticator
from kgents.embedded.auth.authorize import Attributes, Authorizer
from kgents.embedded.auth.errors import Unauthorized, bad_request, invalid, not_found
from kgents.embedded.auth.user import User

_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"

Object = dict[str, Any]


class Reviews:
    """Answers the six review resources."""

    def __init__(self, authenticator: Authenticator, authorizer: Authorizer) -> None:
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._answers: dict[str, Callable[[Mapping[str, Any], User, str], Object]] = {
            "tokenreviews": self._token,
            "selfsubjectreviews": self._self,
            "selfsubjectaccessreviews": self._self_access,
            "subjectaccessreviews": self._access,
            "localsubjectaccessreviews": self._local_access,
            "selfsubjectrulesreviews": self._rules,
        }

    def create(self, resource: str, obj: Mapping[str, Any], user: User, namespace: str = "") -> Object:
        """The reviewed `obj`. Raises BadReview: for a question that cannot be understood, or no review at all (404)."""
        answer = self._answers.get(resource)
        if answer is None:
            raise not_found("reviews", resource)
        return answer(obj, user, namespace)

    def _token(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        spec = obj.get("spec") or {}
        token = spec.get("token") or ""
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        audiences = spec.get("audiences") or ()
        try:
            status = self._token_status(token, audiences)
        except Unauthorized:
            status = {"user": {}, "error": self._trouble(token, audiences)}
        return _answer(obj, "TokenReview", _AUTHENTICATION, status)

    def _trouble(self, token: str, audiences: Sequence[str]) -> str:
        meant = self._authenticator.accounts.audiences(token)
        wanted = list(audiences) or [self._authenticator.accounts.issuer]
        if not meant or set(meant) & set(wanted):
            return "[invalid bearer token]"
        shown, target = (" ".join(_quoted(one) for one in names) for names in (meant, wanted))
        return f"[invalid bearer token, token audiences [{shown}] is invalid for the target audiences [{target}]]"

    def _token_status(self, token: str, audiences: Sequence[str]) -> Object:
        accounts = self._authenticator.accounts
        if not audiences or self._authenticator.static.lookup(token) is not None:
            # A token of the server's own list is for everybody it is shown to, as far as the server is one of them.
            if audiences and accounts.issuer not in audiences:
                raise Unauthorized
            user = self._authenticator.authenticate(f"Bearer {token}")
            return {"authenticated": True, "user": user.to_dict(), "audiences": [accounts.issuer]}
        user_for = accounts.verify(token, audiences)
        if user_for is None:
            raise Unauthorized
        shared = [audience for audience in accounts.audiences(token) if audience in audiences]
        return {"authenticated": True, "user": user_for.to_dict(), "audiences": shared}

    def _self(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        answer = _answer(obj, "SelfSubjectReview", _AUTHENTICATION, {"userInfo": user.to_dict()})
        answer["metadata"] = {"creationTimestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
        answer.pop("spec", None)
        return answer

    def _self_access(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        kind = "SelfSubjectAccessReview"
        return self._decide(obj, kind, user, _causes(obj, kind))

    def _access(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        kind = "SubjectAccessReview"
        return self._decide(obj, kind, _subject(obj), _causes(obj, kind))

    def _local_access(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        kind = "LocalSubjectAccessReview"
        spec = obj.get("spec") or {}
        causes = _causes(obj, kind)
        wanted = spec.get("resourceAttributes")
        if wanted is not None and (wanted.get("namespace") or "") != namespace:
            message = f"Invalid value: {_quoted(wanted.get('namespace') or '')}: must match metadata.namespace"
            causes.append(("FieldValueInvalid", "spec.resourceAttributes.namespace", message))
        if spec.get("nonResourceAttributes") is not None:
            shown = _json(spec["nonResourceAttributes"])
            message = f"Invalid value: {shown}: disallowed on this kind of request"
            causes.append(("FieldValueInvalid", "spec.nonResourceAttributes", message))
        answer = self._decide(obj, kind, _subject(obj), causes)
        answer["metadata"].setdefault("namespace", namespace)
        return answer

    def _decide(self, obj: Mapping[str, Any], kind: str, user: User, causes: list[tuple[str, str, str]]) -> Object:
        if causes:
            raise invalid(kind, _AUTHORIZATION, "", causes)
        decision = self._authorizer.authorize(_attributes(obj, user))
        status: Object = {"allowed": decision.allowed}
        if decision.reason:
            status["reason"] = decision.reason
        return _answer(obj, kind, _AUTHORIZATION, status)

    def _rules(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        wanted = (obj.get("spec") or {}).get("namespace") or ""
        if not wanted:
            raise bad_request("no namespace on request")
        resources, paths = self._authorizer.rules_for(user, wanted)
        status = {"resourceRules": resources, "nonResourceRules": paths, "incomplete": False}
        return _answer(obj, "SelfSubjectRulesReview", _AUTHORIZATION, status)


def _answer(obj: Mapping[str, Any], kind: str, group: str, status: Object) -> Object:
    metadata = dict(obj.get("metadata") or {})
    spec = dict(obj.get("spec") or {})
    return {"kind": kind, "apiVersion": f"{group}/v1", "metadata": metadata, "spec": spec, "status": status}


def _causes(obj: Mapping[str, Any], kind: str) -> list[tuple[str, str, str]]:
    """What is wrong with a question about access, as (reason, field, message)."""
    spec = obj.get("spec") or {}
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    found: list[tuple[str, str]] = []
    if resource is not None and path is not None:
        text = f"{_json(path)}: cannot be specified in combination with resourceAttributes"
        found.append(("spec.nonResourceAttributes", text))
    if resource is None and path is None:
        text = "null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        found.append(("spec.resourceAttributes", text))
    if not kind.startswith("Self") and not spec.get("user") and not spec.get("groups"):
        found.append(("spec.user", '"": at least one of user or group must be specified'))
    allowed = ("managedFields", "creationTimestamp", *(("namespace",) if kind.startswith("Local") else ()))
    metadata = obj.get("metadata") or {}
    if any(value for key, value in metadata.items() if key not in allowed):
        tail = " except for namespace" if kind.startswith("Local") else ""
        found.append(("metadata", f"{_json(metadata)}: must be empty{tail}"))
    causes = [("FieldValueInvalid", field, f"Invalid value: {text}") for field, text in found]
    for key in ("fieldSelector", "labelSelector"):
        selector = (resource or {}).get(key)
        if selector is not None:
            causes += _selector(selector, f"spec.resourceAttributes.{key}")
    return causes


def _selector(selector: Mapping[str, Any], at: str) -> list[tuple[str, str, str]]:
    """What is wrong with a selector, which is either text or a list. Operators that are not known yet are let pass."""
    raw, requirements = selector.get("rawSelector"), selector.get("requirements") or []
    found: list[tuple[str, str, str]] = []
    if raw and requirements:
        text = f"Invalid value: {_quoted(raw)}: may not specified at the same time as requirements"
        found.append(("FieldValueInvalid", f"{at}.rawSelector", text))
    if not raw and not requirements:
        text = f"Required value: when {at} is specified, requirements or rawSelector is required"
        found.append(("FieldValueRequired", f"{at}.requirements", text))
    for index, one in enumerate(requirements):
        where, values = f"{at}.requirements[{index}]", one.get("values")
        if not one.get("key") and at.endswith("labelSelector"):
            found.append(("FieldValueInvalid", f"{where}.key", 'Invalid value: "": name part must be non-empty'))
        elif not one.get("key"):
            found.append(("FieldValueRequired", f"{where}.key", "Required value: must be specified"))
        if one.get("operator") in ("In", "NotIn") and not values:
            text = "Required value: must be specified when `operator` is 'In' or 'NotIn'"
            found.append(("FieldValueRequired", f"{where}.values", text))
        elif one.get("operator") in ("Exists", "DoesNotExist") and values:
            text = "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            found.append(("FieldValueForbidden", f"{where}.values", text))
    return found


def _subject(obj: Mapping[str, Any]) -> User:
    spec = obj.get("spec") or {}
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return User(spec.get("user") or "", spec.get("uid") or "", tuple(spec.get("groups") or ()), extra)


def _attributes(obj: Mapping[str, Any], user: User) -> Attributes:
    """The question of an object that has exactly one."""
    spec = obj.get("spec") or {}
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if path is not None:
        return Attributes(user, path.get("verb") or "", path=path.get("path") or "")
    resource = resource or {}
    return Attributes(
        user,
        resource.get("verb") or "",
        resource.get("group") or "",
        resource.get("version") or "",
        resource.get("resource") or "",
        resource.get("subresource") or "",
        resource.get("namespace") or "",
        resource.get("name") or "",
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _quoted(text: str) -> str:
    return f'"{text}"'
