"""Who else looks after a target: what Argo CD, Flux or Helm own is not fought over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    """`Argo CD (shop)`, `Flux (apps)`, `Helm (bot)`; "" when nobody else looks after the object."""
    metadata = obj["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    for found, known in ((labels, _LABELS), (annotations, _ANNOTATIONS)):
        for key, tool in known.items():
            if key in found:
                return f"{tool} ({str(found[key])[:120]})"
    if labels.get("app.kubernetes.io/managed-by") == "Helm":
        return "Helm"
    managers = {entry.get("manager") for entry in metadata.get("managedFields") or ()}
    return next((tool for manager, tool in _MANAGERS.items() if manager in managers), "")
