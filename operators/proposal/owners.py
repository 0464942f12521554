"""Who else looks after a target: what Argo CD, Flux, Helm or another controller own is not fought over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kgents.api import adopting

_LABELS = {
    "argocd.argoproj.io/instance": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
_ANNOTATIONS = {"argocd.argoproj.io/tracking-id": "Argo CD", "meta.helm.sh/release-name": "Helm"}
_MANAGERS = {
    "argocd-controller": "Argo CD",
    "argocd-application-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm",
}


def owner_of(obj: Mapping[str, Any]) -> str:
    """Who looks after it: `Argo CD (shop)`, `Helm (bot)`, `Sandbox box (agents.x-k8s.io)`; "" when nobody else does."""
    metadata = obj["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for found, known in ((labels, _LABELS), (annotations, _ANNOTATIONS)):
        for key, tool in known.items():
            if key in found:
                return f"{tool} ({str(found[key])[:120]})"
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        return "Helm"
    if keeper := adopting.keeper_of(obj):
        return keeper
    managers = {entry.get("manager") for entry in metadata.get("managedFields") or ()}
    return next((tool for manager, tool in _MANAGERS.items() if manager in managers), "")
