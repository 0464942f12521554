"""An API server with the law of the hive and nothing else of kgents: no operator, no webhook, no Cortex."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgents.api.kinds import API_VERSION, HIVE_NAMESPACE
from tests.support.kubectl import Kubectl

ROOT = Path(__file__).resolve().parents[3]
OPERATORS = f"system:serviceaccount:{HIVE_NAMESPACE}:kgents-operators"
MERGER = f"system:serviceaccount:{HIVE_NAMESPACE}:kgents-merger"
BOT = "system:serviceaccount:default:bot"
DONE = ""
"""What a request says that was not refused."""


@dataclass(frozen=True)
class Court:
    """Everybody may do everything here, by RBAC: what is refused, the policies refuse."""

    kubectl: Kubectl

    @classmethod
    def convene(cls, kubectl: Kubectl) -> Court:
        kubectl("create", "namespace", HIVE_NAMESPACE)
        kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        kubectl("apply", "--server-side", "-f", str(ROOT / "operators" / "deploy" / "base" / "policies.yaml"))
        kubectl("create", "clusterrole", "everything", "--verb=*", "--resource=*.*")
        people = ("--user=ann", "--user=bob", "--user=carl", "--group=system:serviceaccounts")
        kubectl("create", "clusterrolebinding", "everybody", "--clusterrole=everything", *people)
        return cls(kubectl)

    def says(self, who: str, *arguments: str, input: str | None = None) -> str:
        """What `who` is told when he asks for this: nothing when it is done, else why not."""
        done = self.kubectl.run(*arguments, "--as", who, input=input)
        return DONE if done.returncode == 0 else done.stderr

    def create(self, who: str, kind: str, name: str, spec: dict[str, Any], **rest: Any) -> str:
        """`rest`: a namespace, and further parts of the object."""
        metadata = {"name": name, "namespace": rest.pop("namespace", "default")}
        body = {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec, **rest}
        return self.says(who, "create", "-f", "-", input=json.dumps(body))

    def signal(self, who: str, name: str, **spec: Any) -> str:
        return self.create(who, "Pheromone", name, {"type": "WARNING", "source": "bot", **spec})

    def proposal(self, who: str, name: str, **spec: Any) -> str:
        target = {"kind": "Agent", "name": "bot"}
        asked = {"target": target, "patch": {"content": {"spec": {"replicas": 2}}}, "reason": "load", "proposer": who}
        return self.create(who, "Proposal", name, {**asked, **spec})

    def status(self, who: str, kind: str, name: str, **status: Any) -> str:
        patch = json.dumps({"status": status})
        return self.says(who, "patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)

    def decide(self, who: str, name: str, **decision: Any) -> str:
        patch = json.dumps({"spec": {"decision": {"by": who, **decision}}})
        return self.says(who, "patch", "proposal", name, "--type=merge", "-p", patch)

    def assessed(self, name: str, phase: str = "Reviewing", **spec: Any) -> str:
        """A proposal of bob's that the operators have looked at. Returns its name."""
        assert self.proposal("bob", name, **spec) == DONE
        resource = {
            "group": "kgents.io",
            "version": "v1",
            "resource": "agents",
            "namespace": "default",
            "verb": "patch",
        }
        assert self.status(OPERATORS, "proposal", name, phase=phase, diffDigest="seen", targetResource=resource) == DONE
        return name

    def law(self, name: str, data: dict[str, str | None]) -> None:
        """Sets keys of one of the two ConfigMaps; None takes one away."""
        self.kubectl("patch", "configmap", name, "-n", HIVE_NAMESPACE, "--type=merge", "-p", json.dumps({"data": data}))
