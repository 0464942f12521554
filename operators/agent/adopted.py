"""What an agent that adopts a workload says of it in its status: whether it has it, and what cannot be done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kgents.api import adopting
from kgents.api.adopting import Ref
from kgents.api.kinds import AGENT_LABEL, CONFIG_MAP
from operators.agent import meta, paths
from operators.agent.adoption import Body
from operators.agent.pod import reaction_files
from operators.proposal.owners import owner_of

Told = tuple[str, bool, str, str]
"""A condition: type, whether it holds, reason, message."""
FOREIGN_SHOWN = 5
USELESS = ("env", "envFrom", "resources", "health", "network", "config", "symbionts")
"""Fields of the spec that would change the workload, which is not done."""
_SENSES = frozenset({"senses"})


def status_of(body: Body) -> dict[str, Any] | None:
    """`status.workload`; None while there is none that it has."""
    workload = body.workload
    if workload is None or body.refusal is not None:
        return None
    metadata = workload["metadata"]
    return {
        "kind": body.ref.kind,
        "name": body.ref.name,
        "uid": metadata["uid"],
        "generation": int(metadata.get("generation") or 0),
        "replicas": adopting.wanted_replicas(workload),
        "container": adopting.container_of(workload, body.ref),
    }


def selector_of(name: str, body: Body) -> str:
    """`status.selector`, by which others find its pods."""
    if body.workload is None or body.refusal is not None:
        return f"{AGENT_LABEL}={name}"  # of which there are none
    selector = adopting.selector_of(body.workload)
    if selector:
        return selector
    labels = body.workload["metadata"].get("labels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def conditions(agent: Mapping[str, Any], body: Body) -> Iterator[Told]:
    """Adopted, and where there is something to say ForeignPods and ReactionsReach."""
    if body.refusal is not None:
        yield "Adopted", False, body.refusal.reason, body.refusal.message
        return
    workload = body.workload
    assert workload is not None
    yield "Adopted", True, "Adopted", _adopted(workload, body.ref)
    if body.foreign:
        yield "ForeignPods", True, "SelectorMatchesMore", _foreign(body)
    if agent["spec"].get("reactions"):
        problems = list(_unreached(agent, workload))
        said = "; ".join(problems) or "its pods are reached without changing its workload"
        yield "ReactionsReach", not problems, "WorkloadUnchanged" if problems else "Reached", said


def useless(spec: Mapping[str, Any]) -> list[str]:
    """The fields that are set and cannot be acted on, for the workload would have to be changed."""
    narrowed = {field for field, value in (spec.get("umwelt") or {}).items() if value} - _SENSES
    return [*(field for field in USELESS if spec.get(field)), *(f"umwelt.{field}" for field in sorted(narrowed))]


def _adopted(workload: Mapping[str, Any], ref: Ref) -> str:
    container = adopting.container_of(workload, ref)
    names = [str(one.get("name")) for one in adopting.pod_spec(workload).get("containers") or ()]
    said = f"{ref.text} is this agent, unchanged; the log of its container {container} is read"
    if container not in names:
        said += f", which its pods do not have (they have {', '.join(names)}): name another in workloadRef.container"
    if owner := owner_of(workload):
        said += f"; {owner} looks after it, so that changes of it are carried there"
    return said


def _foreign(body: Body) -> str:
    shown = ", ".join(body.foreign[:FOREIGN_SHOWN])
    more = f" and {len(body.foreign) - FOREIGN_SHOWN} more" if len(body.foreign) > FOREIGN_SHOWN else ""
    return (
        f"the selector of {body.ref.text} matches pods that are not its own ({shown}{more}): they are not counted, "
        "read or told anything; give the workload a selector of its own"
    )


def _unreached(agent: Mapping[str, Any], workload: Mapping[str, Any]) -> Iterator[str]:
    """Reactions that do not come through to the pods as these are, each with what would let them."""
    name = meta.config_map_name(agent)
    mounts = _mounted(workload, name)
    for file in reaction_files(agent["spec"]):
        if not mounts:
            key = paths.reaction_key(file)
            yield (
                f"nobody reads the file {file}: its workload mounts no {CONFIG_MAP.kind} {name} (where it is the key "
                f"{key}), and kgents does not change it; mount that, or use then.http"
            )
    ports = agent["spec"].get("ports")
    for place, reaction in enumerate(agent["spec"]["reactions"]):
        http = reaction["then"].get("http")
        if http is not None and not http.get("port") and not ports:
            yield f"reactions[{place}] is posted nowhere: say its port in then.http.port"


def _mounted(workload: Mapping[str, Any], name: str) -> bool:
    for volume in adopting.pod_spec(workload).get("volumes") or ():
        sources = [volume, *((volume.get("projected") or {}).get("sources") or ())]
        if any((source.get("configMap") or {}).get("name") == name for source in sources):
            return True
    return False
