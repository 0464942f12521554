"""A namespace in a real API server, with the words that admission tests need."""

from __future__ import annotations

from typing import Any

from tests.conformance.player import Client, Reply
from tests.support import given
from tests.support.hive import HiveApi
from tests.support.waiting import eventually
from tests.support.webhook import Webhook

GROUP = "/apis/admissionregistration.k8s.io/v1"
RULE = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]}
MERGE = "application/merge-patch+json"


class Place:
    """One namespace and what was registered for it."""

    def __init__(self, api: HiveApi, name: str) -> None:
        self.client = Client(api)
        self.name = name
        self.maps = f"/api/v1/namespaces/{name}/configmaps"
        self._made: list[str] = []
        self.make("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        if api.is_shared and given.has_controllers():
            # What they put into a new namespace must not be what a test's webhooks are asked about.
            path = f"{self.maps}/kube-root-ca.crt"
            eventually(lambda: self.request("GET", path).status == 200)

    def request(self, method: str, path: str, body: Any = None, **rest: Any) -> Reply:
        """One exchange."""
        step = {"method": method, "path": path, **rest}
        return self.client.request(step if body is None else {**step, "body": body})

    def make(self, path: str, body: dict[str, Any]) -> Reply:
        """Creates something that the end of the test removes."""
        reply = self.request("POST", path, body)
        assert reply.status == 201, reply.body
        self._made.append(f"{path}/{reply.body['metadata']['name']}")
        return reply

    def clear(self) -> None:
        """Removes what was made, last things first."""
        for path in reversed(self._made):
            self.request("DELETE", path)

    def put_map(self, name: str, data: dict[str, str] | None = None, **rest: Any) -> Reply:
        """Creates a ConfigMap."""
        labels = rest.pop("labels", {})
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}}
        return self.request("POST", self.maps, {**body, "data": data or {"some": "data"}}, **rest)

    def policy(self, *rules: dict[str, Any], binding: dict[str, Any] | None = None, **spec: Any) -> str:
        """A policy on the ConfigMaps of this namespace, and its binding. Returns the name of both."""
        name = f"{self.name}-{len(self._made)}"
        match = {"resourceRules": [spec.pop("rule", RULE)], "namespaceSelector": self._here()}
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
        body = {"matchConstraints": match, "validations": list(rules), **spec}
        policy = {**head, "kind": "ValidatingAdmissionPolicy", "spec": body}
        self.make(f"{GROUP}/validatingadmissionpolicies", policy)
        bound = {"policyName": name, "validationActions": ["Deny"], **(binding or {})}
        path = f"{GROUP}/validatingadmissionpolicybindings"
        self.make(path, {**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": bound})
        return name

    def hooks(self, kind: str, hook: Webhook, *entries: dict[str, Any]) -> str:
        """A webhook configuration (`Validating` or `Mutating`); each entry has at least a `path`. Returns its name."""
        name = f"{self.name}-{len(self._made)}"
        webhooks = [self._entry(hook, index, dict(entry)) for index, entry in enumerate(entries)]
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{kind}WebhookConfiguration"}
        body = {**head, "metadata": {"name": name}, "webhooks": webhooks}
        self.make(f"{GROUP}/{kind.lower()}webhookconfigurations", body)
        return name

    def _entry(self, hook: Webhook, index: int, entry: dict[str, Any]) -> dict[str, Any]:
        client = {"url": hook.url + entry.pop("path", "/"), "caBundle": hook.ca}
        return {
            "name": f"h{index}.admission.example.com",
            "clientConfig": client,
            "rules": [entry.pop("rule", RULE)],
            "namespaceSelector": self._here(),
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 20,
            **entry,
        }

    def _here(self) -> dict[str, Any]:
        return {"matchLabels": {"kubernetes.io/metadata.name": self.name}}
