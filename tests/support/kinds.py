"""The five kinds in a cluster that may have them: what is there is used, what was missing is taken out again."""

from __future__ import annotations

import json
import os
from typing import Any

from kgents.infra import manifests
from tests.support import given
from tests.support.kubectl import Kubectl

RESOURCE = "customresourcedefinitions"


def ensure(kubectl: Kubectl) -> None:
    """Makes those that are missing; returns when all are served."""
    names = [crd["metadata"]["name"] for crd in manifests.crds()]
    there = kubectl("get", RESOURCE, *names, "--ignore-not-found", "-o", "name").split()
    for crd in manifests.crds():
        if not any(name.endswith(f"/{crd['metadata']['name']}") for name in there):
            kubectl("apply", "--server-side", "--field-manager=tests", "-f", "-", input=json.dumps(_marked(crd)))
    kubectl("wait", "--for=condition=Established", *(f"crd/{name}" for name in names), "--timeout=60s", timeout=90)


def remove(kubectl: Kubectl) -> None:
    """Takes out those that this run has made."""
    kubectl("delete", RESOURCE, "-l", f"{given.LABEL}={os.environ[given.RUN]}", "--wait=false")


def _marked(crd: dict[str, Any]) -> dict[str, Any]:
    labels = {**(crd["metadata"].get("labels") or {}), given.LABEL: os.environ[given.RUN]}
    return {**crd, "metadata": {**crd["metadata"], "labels": labels}}
