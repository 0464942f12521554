"""T-gent's server: AdmissionReviews in, verdicts out. Everything that it needs to know it knows from its mirrors."""

from __future__ import annotations

import base64
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

from kgents.api.kinds import GROUP, Kind
from kgents.kube.client import KubeClient
from kgents.vitals.observing import observed
from operators.tgent.identity import Identity, make
from operators.tgent.verdicts import Refusal, describe

log = logging.getLogger(__name__)

Object = dict[str, Any]
Judge = Callable[[str, Object], Awaitable[Refusal | None]]
REVIEW_MAX = 4 * 1024 * 1024
LAST_WORDS = 1.0
"""Seconds for answers that are under way at the end."""
NAME = "kgents-tgent"
WEBHOOKS = Kind(
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    "admissionregistration.k8s.io/v1",
    namespaced=False,
)
_BY_AN_AGENT = (
    "request.userInfo.username.startsWith('system:serviceaccount:') && "
    "!request.userInfo.username.startsWith('system:serviceaccount:kgents-system:') && "
    "!request.userInfo.username.startsWith('system:serviceaccount:kube-system:')"
)
# What an agent wants changed is law: without T-gent it waits. A signal is how a hive helps itself: it goes through.
_HOOKS = (("proposals", "Fail", 5), ("pheromones", "Ignore", 2))


class Webhook:
    """Serves at `address` (host and port) while it is entered, and is registered with the API server."""

    def __init__(self, api: KubeClient, address: tuple[str, int], judges: Mapping[str, Judge]) -> None:
        self._api, self._judges = api, dict(judges)
        self._host, self._port = address
        self._runner: web.AppRunner | None = None
        # Pods reach this port as well as the API server does; only who may read the registration knows the path.
        self._secret = secrets.token_urlsafe(24)

    async def __aenter__(self) -> Webhook:
        identity = await make(self._host)
        app = web.Application(client_max_size=REVIEW_MAX)
        for resource in self._judges:
            app.router.add_post(f"/{self._secret}/{resource}", self._handler(resource))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_WORDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port, ssl_context=identity.context())
        await site.start()
        await self._register(identity)
        log.info("T-gent reviews at https://%s:%d", self._host, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _register(self, identity: Identity) -> None:
        bundle = base64.b64encode(identity.certificate).decode()
        host = f"[{self._host}]" if ":" in self._host else self._host
        url = f"https://{host}:{self._port}/{self._secret}"
        hooks = [
            {
                "name": f"{resource}.tgent.{GROUP}",
                "clientConfig": {"url": f"{url}/{resource}", "caBundle": bundle},
                "rules": [
                    {"apiGroups": [GROUP], "apiVersions": ["*"], "resources": [resource], "operations": ["CREATE"]}
                ],
                # Whoever mends a hive does not have to pass a gate that may be what is broken.
                "matchConditions": [{"name": "by-an-agent", "expression": _BY_AN_AGENT}],
                "failurePolicy": policy,
                "timeoutSeconds": seconds,
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
            for resource, policy, seconds in _HOOKS
        ]
        await self._api.apply(WEBHOOKS, {"metadata": {"name": NAME}, "webhooks": hooks})

    def _handler(self, resource: str) -> Callable[[web.Request], Any]:
        async def handle(request: web.Request) -> web.Response:
            try:
                asked = orjson.loads(await request.read())["request"]
                user, obj, uid = asked["userInfo"]["username"], asked["object"], asked["uid"]
            except (orjson.JSONDecodeError, KeyError, TypeError) as error:
                return web.Response(status=400, text=f"this is no AdmissionReview: {error}")
            with observed("review", resource) as work:
                refusal = await self._judges[resource](user, obj)
                work.outcome = "refused" if refusal else work.outcome
            answer: Object = {"uid": uid, "allowed": refusal is None}
            if refusal is not None:
                answer["status"] = _status(refusal)
            review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
            return web.Response(body=json.dumps(review), content_type="application/json")

        return handle


def _status(refusal: Refusal) -> Object:
    reasons = {429: "TooManyRequests", 413: "RequestEntityTooLarge"}
    reason = reasons.get(refusal.code, "Forbidden")
    return {"code": refusal.code, "reason": reason, "message": describe(refusal)}
