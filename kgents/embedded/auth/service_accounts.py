"""Tokens of ServiceAccounts: signed when asked for, checked against what still exists.

A token names the uid of its account (and of the pod it was made for). It dies with them, at once: every check asks
whether an object of that uid is still there. Only the signature is remembered.
"""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from kgents.api.errors import KgentsError
from kgents.embedded.auth import errors
from kgents.embedded.auth.pki import Pki
from kgents.embedded.auth.user import ALL_AUTHENTICATED, User, service_account_groups, service_account_name

Getter = Callable[[str, str, str], "Mapping[str, Any] | None"]

ISSUER = "https://kubernetes.default.svc.cluster.local"

_ALGORITHM = "ES256"
_REMEMBERED = 4096
_SHORTEST = 600
_LONGEST = 1 << 32
_DEFAULT = 3600
_BOUND_KINDS = {"Pod": ("pods", "pod"), "Secret": ("secrets", "secret"), "Node": ("nodes", "node")}
_EXTRA = "authentication.kubernetes.io"


class ServiceAccountTokens:
    """Makes and verifies tokens. `getter(resource, namespace, name)` answers from memory, None when there is none."""

    def __init__(self, pki: Pki, getter: Getter, *, issuer: str = ISSUER, now: Callable[[], float] = time.time) -> None:
        key = serialization.load_pem_private_key(pki.sa_key.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KgentsError(f"The key {pki.sa_key} cannot sign tokens", fix="Remove it; the server makes a new one.")
        self._private = key
        self._public = key.public_key()
        self._getter = getter
        self._now = now
        self._key_id = _key_id(self._public)
        self._claims: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self.issuer = issuer

    def request(self, namespace: str, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer a TokenRequest for the account: the same object with its status.

        Raises BadReview: 404 for an account or bound object that is not there, 409 for another uid, 422 for a bad spec.
        """
        _check_names(namespace, name, body.get("metadata") or {})
        account = self._getter("serviceaccounts", namespace, name)
        if account is None:
            raise errors.not_found("serviceaccounts", name)
        spec = dict(body.get("spec") or {})
        seconds = _lifetime(spec, name)
        audiences = list(spec.get("audiences") or [self.issuer])
        kubernetes: dict[str, Any] = {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": account["metadata"]["uid"]},
        }
        reference = spec.get("boundObjectRef")
        if reference:
            kubernetes.update(self._bind(namespace, name, reference))
        issued = int(self._now())
        token = self._sign(service_account_name(namespace, name), audiences, issued, issued + seconds, kubernetes)
        expires = datetime.fromtimestamp(issued + seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        created = datetime.fromtimestamp(issued, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "kind": "TokenRequest",
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": name, "namespace": namespace, "creationTimestamp": created},
            "spec": {
                "audiences": audiences,
                "expirationSeconds": seconds,
                "boundObjectRef": dict(reference) if reference else None,
            },
            "status": {"token": token, "expirationTimestamp": expires},
        }

    def verify(self, token: str, audiences: Iterable[str] = ()) -> User | None:
        """The user of a token that is genuine, in time, for one of `audiences` (default: this API) and still alive."""
        claims = self._verified(token)
        if claims is None or claims["exp"] <= self._now() or claims.get("nbf", 0) > self._now() + 60:
            return None
        if not set(claims["aud"]) & (set(audiences) or {self.issuer}):
            return None
        kubernetes = claims["kubernetes.io"]
        namespace, account = kubernetes["namespace"], kubernetes["serviceaccount"]
        if not self._alive("serviceaccounts", namespace, account):
            return None
        extra = {f"{_EXTRA}/credential-id": (f"JTI={claims['jti']}",)}
        for resource, key in _BOUND_KINDS.values():
            bound = kubernetes.get(key)
            if bound is None:
                continue
            # A pod's token names the pod's node too, but lives and dies with the pod alone.
            informs = key == "node" and "pod" in kubernetes
            if not informs and not self._alive(resource, "" if key == "node" else namespace, bound):
                return None
            if key != "secret":
                extra.update({f"{_EXTRA}/{key}-{part}": (bound[part],) for part in ("name", "uid") if bound.get(part)})
        groups = (*service_account_groups(namespace), ALL_AUTHENTICATED)
        return User(service_account_name(namespace, account["name"]), account["uid"], groups, extra)

    def audiences(self, token: str) -> list[str]:
        """What a genuine token is for; empty for any other."""
        claims = self._verified(token)
        return list(claims["aud"]) if claims else []

    def jwks(self) -> dict[str, Any]:
        """The public key as a JSON Web Key set (`/openid/v1/jwks`)."""
        numbers = self._public.public_numbers()
        return {
            "keys": [
                {
                    "use": "sig",
                    "kty": "EC",
                    "kid": self._key_id,
                    "crv": "P-256",
                    "alg": _ALGORITHM,
                    "x": _base64url(numbers.x.to_bytes(32, "big")),
                    "y": _base64url(numbers.y.to_bytes(32, "big")),
                }
            ]
        }

    def openid_configuration(self) -> dict[str, Any]:
        """The discovery document (`/.well-known/openid-configuration`)."""
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [_ALGORITHM],
        }

    def _bind(self, namespace: str, account: str, reference: Mapping[str, Any]) -> dict[str, Any]:
        kind, name = reference.get("kind") or "", reference.get("name") or ""
        version = reference.get("apiVersion") or ""
        if kind not in _BOUND_KINDS or "/" in version:
            where = version if "/" in version else f"/{version}"
            raise errors.bad_request(f"cannot bind token to object of type {where}, Kind={kind}")
        resource, key = _BOUND_KINDS[kind]
        found = self._getter(resource, "" if key == "node" else namespace, name)
        if found is None:
            raise errors.not_found(resource, name)
        claims = {key: {"name": name, "uid": found["metadata"]["uid"]}}
        if key == "pod":
            claims.update(self._node_of(account, found.get("spec") or {}))
        if reference.get("uid") not in (None, "", claims[key]["uid"]):
            why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
            raise errors.BadReview(
                409,
                "Conflict",
                f'Operation cannot be fulfilled on {kind} "{name}": {why}'
                "The object might have been deleted and then recreated",
                {"name": name, "kind": kind},
            )
        return claims

    def _node_of(self, account: str, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The claim about where a pod runs. Raises BadReview (400) for the pod of another account."""
        if spec.get("serviceAccountName") != account:
            raise errors.bad_request(
                f'cannot bind token for serviceaccount "{account}" to pod running with serviceaccount '
                f'"{spec.get("serviceAccountName") or ""}"'
            )
        node = spec.get("nodeName")
        if not node:
            return {}
        known = self._getter("nodes", "", node)
        return {"node": {"name": node, **({"uid": known["metadata"]["uid"]} if known else {})}}

    def _sign(self, subject: str, audiences: list[str], issued: int, expires: int, kubernetes: dict[str, Any]) -> str:
        claims = {
            "iss": self.issuer,
            "sub": subject,
            "aud": audiences,
            "iat": issued,
            "nbf": issued,
            "exp": expires,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": kubernetes,
        }
        return jwt.encode(claims, self._private, algorithm=_ALGORITHM, headers={"kid": self._key_id})

    def _verified(self, token: str) -> dict[str, Any] | None:
        """The claims of a token that this hive signed. Time and existence are the caller's to check, every time."""
        known = self._claims.get(token)
        if known is not None:
            self._claims.move_to_end(token)
            return known
        if token.count(".") != 2:
            return None
        options: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(token, self._public, algorithms=[_ALGORITHM], issuer=self.issuer, options=options)
        except jwt.InvalidTokenError:
            return None
        if not _has_account(claims):
            return None
        self._claims[token] = claims
        if len(self._claims) > _REMEMBERED:
            self._claims.popitem(last=False)
        return claims

    def _alive(self, resource: str, namespace: str, reference: Mapping[str, Any]) -> bool:
        found = self._getter(resource, namespace, reference["name"])
        return found is not None and found["metadata"]["uid"] == reference["uid"]


def _has_account(claims: Mapping[str, Any]) -> bool:
    kubernetes = claims.get("kubernetes.io")
    if not isinstance(kubernetes, dict) or not isinstance(claims.get("aud"), list):
        return False
    account = kubernetes.get("serviceaccount")
    return isinstance(claims.get("exp"), int) and isinstance(account, dict) and {"name", "uid"} <= account.keys()


def _check_names(namespace: str, name: str, metadata: Mapping[str, Any]) -> None:
    """Raises BadReview (422) for a body that names another account than the path."""
    for key, what, wanted in (("name", "name", name), ("namespace", "namespace", namespace)):
        given = metadata.get(key)
        if given and given != wanted:
            text = f'Invalid value: "{given}": must match the service account {what} if specified'
            cause = ("FieldValueInvalid", f"metadata.{key}", text)
            raise errors.invalid("TokenRequest", "authentication.k8s.io", name, [cause])


def _lifetime(spec: Mapping[str, Any], name: str) -> int:
    seconds = spec.get("expirationSeconds")
    if seconds is None:
        return _DEFAULT
    problem = ""
    if not isinstance(seconds, int) or seconds < _SHORTEST:
        problem = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST:
        problem = "may not specify a duration larger than 2^32 seconds"
    if problem:
        cause = ("FieldValueInvalid", "spec.expirationSeconds", f"Invalid value: {seconds}: {problem}")
        raise errors.invalid("TokenRequest", "authentication.k8s.io", name, [cause])
    return int(seconds)


def _key_id(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _base64url(hashlib.sha256(der).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
