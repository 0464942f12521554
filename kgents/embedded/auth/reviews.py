"""Questions about identity and permission, asked as objects: one comes in, the same one goes out with a status."""

from __future__ import annotations

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
            status = {"user": {}, "error": "[invalid bearer token]"}
        return _answer(obj, "TokenReview", _AUTHENTICATION, status)

    def _token_status(self, token: str, audiences: Sequence[str]) -> Object:
        accounts = self._authenticator.accounts
        if not audiences:
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
        return self._decide(obj, "SelfSubjectAccessReview", user)

    def _access(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        return self._decide(obj, "SubjectAccessReview", _subject(obj, "SubjectAccessReview"))

    def _local_access(self, obj: Mapping[str, Any], user: User, namespace: str) -> Object:
        kind = "LocalSubjectAccessReview"
        subject = _subject(obj, kind)
        wanted = (obj.get("spec") or {}).get("resourceAttributes") or {}
        if wanted.get("namespace", "") != namespace:
            message = f"Invalid value: {_quoted(wanted.get('namespace', ''))}: must match metadata.namespace"
            raise invalid(
                kind, _AUTHORIZATION, "", [("FieldValueInvalid", "spec.resourceAttributes.namespace", message)]
            )
        return self._decide(obj, kind, subject)

    def _decide(self, obj: Mapping[str, Any], kind: str, user: User) -> Object:
        decision = self._authorizer.authorize(_attributes(obj, kind, user))
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


def _subject(obj: Mapping[str, Any], kind: str) -> User:
    spec = obj.get("spec") or {}
    name, groups = spec.get("user") or "", spec.get("groups") or ()
    if not name and not groups:
        cause = ("FieldValueInvalid", "spec.user", 'Invalid value: "": at least one of user or group must be specified')
        raise invalid(kind, _AUTHORIZATION, "", [cause])
    extra = {key: tuple(values) for key, values in (spec.get("extra") or {}).items()}
    return User(name, spec.get("uid") or "", tuple(groups), extra)


def _attributes(obj: Mapping[str, Any], kind: str, user: User) -> Attributes:
    spec = obj.get("spec") or {}
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        message = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        if resource is not None:
            message = "cannot be specified in combination with resourceAttributes"
        where = "spec.resourceAttributes" if resource is None else "spec.nonResourceAttributes"
        raise invalid(kind, _AUTHORIZATION, "", [("FieldValueInvalid", where, f"Invalid value: null: {message}")])
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


def _quoted(text: str) -> str:
    return f'"{text}"'
