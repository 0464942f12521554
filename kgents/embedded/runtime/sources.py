"""What pods are made of beside their own object: ConfigMaps, Secrets, Services and tokens, kept current by watches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from kgents.api import times
from kgents.api.kinds import CONFIG_MAP, PERSISTENT_VOLUME_CLAIM, SECRET, SERVICE, SERVICE_ACCOUNT
from kgents.embedded.runtime.volumes import projected_sources, texts
from kgents.kube.client import KubeClient
from kgents.kube.informer import Informer

Object = Mapping[str, Any]
_DEFAULT_LIFE = 3600
_RENEW_AT = 0.8


class Sources:
    """Mirrors of what pods refer to, and the tokens of their ServiceAccounts."""

    def __init__(self, api: KubeClient) -> None:
        self._api = api
        self.config_maps = Informer(api, CONFIG_MAP)
        self.secrets = Informer(api, SECRET)
        self.services = Informer(api, SERVICE)
        self.claims = Informer(api, PERSISTENT_VOLUME_CLAIM)
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}

    @property
    def informers(self) -> tuple[Informer, ...]:
        return (self.config_maps, self.secrets, self.services, self.claims)

    def words(self, namespace: str, resource: str, name: str) -> Mapping[str, str] | None:
        """The keys of a ConfigMap or Secret as text, for env; None when there is none."""
        found = self.content(namespace, resource, name)
        if found is None:
            return None
        return {key: value.decode(errors="surrogateescape") for key, value in found.items()}

    def content(self, namespace: str, resource: str, name: str) -> Mapping[str, bytes] | None:
        """The keys of a ConfigMap or Secret as bytes; None when there is none."""
        informer = self.config_maps if resource == "configmaps" else self.secrets
        found = informer.get(namespace, name)
        return None if found is None else texts(found, secret=resource == "secrets")

    def claim(self, namespace: str, name: str) -> str | None:
        """The uid of a PersistentVolumeClaim; None when there is none."""
        found = self.claims.get(namespace, name)
        return None if found is None else str(found["metadata"]["uid"])

    def services_of(self, namespace: str) -> Iterable[Object]:
        return [one for (place, _), one in self.services.store.items() if place == namespace]

    async def tokens(self, pod: Object, volume: Object) -> dict[str, str]:
        """The tokens that a volume wants, by audience; asked for anew when most of their life is over."""
        found = {}
        for kind, source, _ in projected_sources(volume):
            if kind == "serviceAccountToken":
                audience = source.get("audience", "")
                found[audience] = await self._token(pod, audience, int(source.get("expirationSeconds", _DEFAULT_LIFE)))
        return found

    async def _token(self, pod: Object, audience: str, seconds: int) -> str:
        meta = pod["metadata"]
        key = (meta["uid"], audience)
        token, renew_at = self._tokens.get(key, ("", 0.0))
        if time.time() < renew_at:
            return token
        bound = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
        spec: dict[str, Any] = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            spec["audiences"] = [audience]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        path = SERVICE_ACCOUNT.path(meta["namespace"], pod["spec"].get("serviceAccountName") or "default", "token")
        answer = await self._api.request("POST", path, body=request)
        token = answer["status"]["token"]
        expires = times.parse(answer["status"].get("expirationTimestamp")) or time.time() + seconds
        self._tokens[key] = (token, time.time() + (expires - time.time()) * _RENEW_AT)
        return str(token)

    def forget(self, uid: str) -> None:
        """A pod is gone: so are its tokens."""
        self._tokens = {key: value for key, value in self._tokens.items() if key[0] != uid}


def mentions(pod: Object, resource: str, name: str) -> bool:
    """Whether a pod's volumes or environment refer to a ConfigMap ("configmaps") or Secret ("secrets")."""
    spec = pod["spec"]
    kind = "configMap" if resource == "configmaps" else "secret"
    for volume in spec.get("volumes") or []:
        for found, source, _ in projected_sources(volume):
            if found == kind and name in (source.get("name"), source.get("secretName")):
                return True
    keys = (f"{kind}KeyRef", f"{kind}Ref")
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        references = [
            *(container.get("envFrom") or []),
            *(e.get("valueFrom") or {} for e in container.get("env") or []),
        ]
        if any((reference.get(key) or {}).get("name") == name for reference in references for key in keys):
            return True
    return False
