"""Who is calling: the API server says it, of the token that he shows.

What it said holds for half a minute, and never longer than the token itself; a no holds for a few seconds. Tokens are
remembered by a keyed hash. Where the API server cannot be asked, nobody new comes in.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from cortex.remembered import Remembered
from kgents.api.errors import KgentsError, Refused, Unreachable
from kgents.kube.client import KubeClient
from kgents.kube.impersonation import Identity

HOLDS = 30.0
NO_HOLDS = 5.0
MOST = 2048
LONGEST = 8192
"""Characters of a token."""
AT_ONCE = 8
WAITING = 64
"""Tokens that wait to be asked about; beyond that, whoever is not known yet is told to come again."""
CONNECTOR, NAME = "kgents.io/connector", "cortex"
"""The extra that stands beside the caller in the API server's audit log."""
_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
Metadata = Iterable[tuple[str, str | bytes]]


class Unknown(Refused):
    """Nobody knows who this is."""


class Tokens:
    """Callers by their tokens. `audience`: whom tokens must be meant for; "" is the API server itself.

    `clock` counts seconds, `now` those since 1970.
    """

    def __init__(
        self,
        api: KubeClient,
        audience: str = "",
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._api, self._audience, self._now = api, audience, now
        self._key = secrets.token_bytes(32)
        # Apart from each other: whoever tries many tokens does not make those forgotten that are good.
        self._known: Remembered[bytes, Identity] = Remembered(MOST, HOLDS, clock)
        self._wrong: Remembered[bytes, str] = Remembered(MOST, NO_HOLDS, clock)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def caller(self, metadata: Metadata) -> Identity:
        """Raises Unknown, or Unreachable where nobody can say."""
        token = _token(metadata)
        digest = hashlib.blake2b(token.encode(), key=self._key).digest()
        if self._now() >= _end(token):
            raise _unknown("the token has expired")
        if why := self._wrong.held(digest):
            raise _unknown(why)
        return await self._known.get(digest, lambda: self._ask(token, digest))

    async def _ask(self, token: str, digest: bytes) -> Identity:
        if self._waiting >= WAITING:
            raise Unreachable("Cortex cannot say who you are", why="too many ask at once", fix="Try again")
        self._waiting += 1
        try:
            async with self._turns:
                status = await self._review(token)
        finally:
            self._waiting -= 1
        try:
            return _identity(status, self._audience)
        except Unknown as error:
            self._wrong.hold(digest, error.why)
            raise

    async def _review(self, token: str) -> Mapping[str, Any]:
        spec: dict[str, Any] = {"token": token}
        if self._audience:
            spec["audiences"] = [self._audience]
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
        try:
            answer = await self._api.request("POST", _REVIEWS, body=body, timeout=10.0)
            status = answer["status"]
        except (KgentsError, KeyError, TypeError) as error:
            raise Unreachable("Cortex cannot say who you are: the API server does not tell", why=str(error)) from error
        return status if isinstance(status, Mapping) else {}


def _token(metadata: Metadata) -> str:
    given = [value for key, value in metadata if key.lower() == "authorization"]
    if not given:
        raise _unknown("no token was shown")
    text = given[0].decode("latin-1") if isinstance(given[0], bytes) else given[0]
    scheme, _, token = text.partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not token:
        raise _unknown("it takes one bearer token")
    if len(token) > LONGEST:
        raise _unknown(f"a token has at most {LONGEST} characters")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise _unknown("this is no token")
    return token


def _identity(status: Mapping[str, Any], audience: str) -> Identity:
    """Raises Unknown for a token that is not good, or not meant for us."""
    user = status.get("user")
    if status.get("authenticated") is not True or not isinstance(user, Mapping):
        raise _unknown("the API server does not know this token")
    # An authenticator that knows no audiences leaves them out: then nobody said that it is meant for us.
    if audience and audience not in (status.get("audiences") or ()):
        raise _unknown(f"the token is not meant for {audience}")
    extra = sorted((str(key), tuple(map(str, values))) for key, values in (user.get("extra") or {}).items())
    groups = tuple(map(str, user.get("groups") or ()))
    found = Identity(str(user.get("username") or ""), str(user.get("uid") or ""), groups, tuple(extra))
    found = found.with_extra(CONNECTOR, NAME)
    try:
        list(found.headers())
    except Refused as error:
        raise _unknown(str(error)) from error
    return found


def _end(token: str) -> float:
    """When a token ends by its own word (`exp` of a JWT), in seconds since 1970: read to distrust it, not to trust."""
    parts = token.split(".")
    if len(parts) != 3:
        return float("inf")
    try:
        claims = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return float("inf")


def _unknown(why: str) -> Unknown:
    return Unknown("Cortex does not know you", why=why, fix="Log in again, or make a token: kubectl create token NAME")
