"""What a Deployment decides: which ReplicaSet is the new one, how the others give way, and by how much at a time."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kgents.api.kinds import DEPLOYMENT
from kgents.embedded.controllers.objects import (
    Object,
    annotations_of,
    created,
    labels_of,
    owner_reference,
    safe_hash,
    without_nulls,
)
from kgents.embedded.controllers.replicas import wanted

HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAXIMUM = "deployment.kubernetes.io/max-replicas"
HISTORY = "deployment.kubernetes.io/revision-history"
CHANGE_CAUSE = "kubernetes.io/change-cause"

_NOT_COPIED = {
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
}
_HISTORY_LENGTH = 2000


@dataclass(frozen=True, slots=True)
class Rollout:
    """What to do next. `scale` is `(replica set, replicas)`; `annotate` is `(replica set, annotations)`."""

    create: Object | None = None
    scale: tuple[tuple[Object, int], ...] = ()
    annotate: tuple[tuple[Object, Mapping[str, str]], ...] = ()
    delete: tuple[Object, ...] = ()
    revision: str = ""


@dataclass(slots=True)
class _Sizes:
    """Wanted replicas of each ReplicaSet by uid, as they change while a plan is made."""

    before: dict[str, int]
    after: dict[str, int] = field(default_factory=dict)

    def of(self, replica_set: Mapping[str, Any]) -> int:
        uid = replica_set["metadata"]["uid"]
        return self.after.get(uid, self.before[uid])

    def set(self, replica_set: Mapping[str, Any], replicas: int) -> None:
        self.after[replica_set["metadata"]["uid"]] = replicas


def plan_rollout(
    deployment: Mapping[str, Any],
    replica_sets: Sequence[Object],
    lingering: Collection[str] = (),
    *,
    in_the_way: bool = False,
) -> Rollout:
    """The next step for a Deployment and its own ReplicaSets. Repeating it ends when nothing is left to do.

    `lingering` are uids of ReplicaSets with pods that have not ended yet, on their way out or not. `in_the_way`: an
    old pod holds a port that a new one needs, so that only the end of the old lets the new begin.
    """
    new = find_new(deployment, replica_sets)
    old = sorted((item for item in replica_sets if item is not new), key=created)
    paused = bool(deployment["spec"].get("paused"))
    revision = _next_revision(new, old)
    if new is None and not paused and not _must_wait(deployment, old, lingering):
        return Rollout(create=new_replica_set(deployment, old, revision), revision=str(revision))
    sizes = _Sizes({item["metadata"]["uid"]: wanted(item) for item in replica_sets})
    if paused or _was_scaled(deployment, replica_sets):
        _scale_all(deployment, new, old, sizes)
    elif _is_recreate(deployment):
        _recreate(deployment, new, old, sizes, lingering)
    elif in_the_way:
        for item in old:
            sizes.set(item, 0)
    elif new is not None:
        _roll(deployment, new, old, sizes)
    annotate = [(item, _size_annotations(deployment)) for item in replica_sets if sizes.of(item) > 0]
    if new is not None:
        annotate = [(item, notes) for item, notes in annotate if item is not new]
        annotate.append((new, _annotations(deployment, new, str(revision))))
    stale = [(item, notes) for item, notes in annotate if not notes.items() <= annotations_of(item).items()]
    by_uid = {item["metadata"]["uid"]: item for item in replica_sets}
    scale = tuple((by_uid[uid], size) for uid, size in sizes.after.items() if size != sizes.before[uid])
    return Rollout(
        scale=scale,
        annotate=tuple(stale),
        delete=() if paused or scale else _history_to_drop(deployment, new, old),
        revision=str(revision) if new is not None else "",
    )


def template_of(workload: Mapping[str, Any]) -> Object:
    """The pod template without the hash label and without nulls: what makes two revisions the same."""
    template: Object = without_nulls(workload["spec"].get("template") or {})
    metadata = {key: value for key, value in template.get("metadata", {}).items() if key != "creationTimestamp"}
    labels = {key: value for key, value in metadata.get("labels", {}).items() if key != HASH_LABEL}
    return {**template, "metadata": {**metadata, "labels": labels}}


def template_hash(deployment: Mapping[str, Any]) -> str:
    """The name of a revision: depends on the template, and on how often that name was found taken."""
    collisions = (deployment.get("status") or {}).get("collisionCount") or 0
    return safe_hash([template_of(deployment), collisions] if collisions else template_of(deployment))


def find_new(deployment: Mapping[str, Any], replica_sets: Iterable[Object]) -> Object | None:
    """The ReplicaSet of the present template; the oldest where there are several."""
    template, name = template_of(deployment), template_hash(deployment)
    for item in sorted(replica_sets, key=created):
        # By content first, as defaults of a newer server must not roll what runs; then by hash, where the server
        # completed the template of one but not of the other.
        if template_of(item) == template or labels_of(item).get(HASH_LABEL) == name:
            return item
    return None


def new_replica_set(deployment: Mapping[str, Any], old: Sequence[Mapping[str, Any]], revision: int) -> Object:
    """The ReplicaSet to create for the present template."""
    name = template_hash(deployment)
    template = without_nulls(deployment["spec"]["template"])
    metadata = template.get("metadata") or {}
    labels = {**(metadata.get("labels") or {}), HASH_LABEL: name}
    selector = deployment["spec"].get("selector") or {}
    selector = {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: name}}
    spec: Object = {
        "replicas": _first_size(deployment, old),
        "selector": selector,
        "template": {**template, "metadata": {**metadata, "labels": labels}},
    }
    if deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": f"{deployment['metadata']['name']}-{name}",
            "namespace": deployment["metadata"]["namespace"],
            "labels": labels,
            "annotations": dict(_annotations(deployment, None, str(revision))),
            "ownerReferences": [owner_reference(DEPLOYMENT, deployment)],
        },
        "spec": spec,
    }


def max_surge(deployment: Mapping[str, Any]) -> int:
    """How many pods beyond the wanted ones a rollout may have."""
    return _fence_posts(deployment)[0]


def max_unavailable(deployment: Mapping[str, Any]) -> int:
    """How many of the wanted pods may be missing while rolling (never more than there are)."""
    return min(_fence_posts(deployment)[1], wanted(deployment))


def _fence_posts(deployment: Mapping[str, Any]) -> tuple[int, int]:
    if _is_recreate(deployment):
        return (0, 0)
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    total = wanted(deployment)
    surge = _portion(rolling.get("maxSurge", "25%"), total, up=True)
    unavailable = _portion(rolling.get("maxUnavailable", "25%"), total, up=False)
    # Both may round to zero; something has to give, or nothing would ever move.
    return (surge, unavailable) if surge or unavailable else (0, 1)


def _portion(value: Any, total: int, *, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        exact = int(value.removesuffix("%")) * total / 100
        return math.ceil(exact) if up else math.floor(exact)
    return int(value)


def _is_recreate(deployment: Mapping[str, Any]) -> bool:
    return (deployment["spec"].get("strategy") or {}).get("type") == "Recreate"


def _must_wait(deployment: Mapping[str, Any], old: Sequence[Mapping[str, Any]], lingering: Collection[str]) -> bool:
    """Recreate makes the new revision only when no pod of the old ones is left: it may hold a port or a file."""
    return _is_recreate(deployment) and any(
        wanted(item) or _count(item, "replicas") or item["metadata"]["uid"] in lingering for item in old
    )


def _first_size(deployment: Mapping[str, Any], old: Sequence[Mapping[str, Any]]) -> int:
    if _is_recreate(deployment):
        return wanted(deployment)
    room = wanted(deployment) + max_surge(deployment) - sum(wanted(item) for item in old)
    return min(wanted(deployment), max(0, room))


def _was_scaled(deployment: Mapping[str, Any], replica_sets: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the wanted number changed since the running sets were sized: then scaling comes before rolling."""
    for item in replica_sets:
        noted = annotations_of(item).get(DESIRED)
        if wanted(item) > 0 and noted is not None and noted != str(wanted(deployment)):
            return True
    return False


def _scale_all(deployment: Mapping[str, Any], new: Object | None, old: Sequence[Object], sizes: _Sizes) -> None:
    """Bring all sets to the wanted total, each in proportion to its size."""
    everything = [item for item in (new, *old) if item is not None]
    running = [item for item in everything if sizes.of(item) > 0]
    target = wanted(deployment)
    if len(running) <= 1:
        only = running[0] if running else (everything[0] if everything else None)
        if only is not None:
            sizes.set(only, target)
        return
    if new is not None and _count(new, "availableReplicas") == target == sizes.of(new):
        for item in old:
            sizes.set(item, 0)
        return
    if _is_recreate(deployment):
        return
    allowed = target + max_surge(deployment) if target else 0
    total = sum(sizes.of(item) for item in running)
    spare = allowed - total
    running.sort(key=lambda item: (sizes.of(item), created(item)), reverse=True)
    for item in running:
        share = _proportion(item, sizes.of(item), target, spare, allowed, total)
        sizes.set(item, max(0, sizes.of(item) + share))
    rest = allowed - sum(sizes.of(item) for item in running)
    sizes.set(running[0], max(0, sizes.of(running[0]) + rest))


def _proportion(item: Mapping[str, Any], size: int, target: int, spare: int, allowed: int, total: int) -> int:
    """This set's share of what is to be added (`spare` > 0) or taken, rounded."""
    if not target:
        return -size
    noted = int(annotations_of(item).get(MAXIMUM) or total)
    share = round(size * allowed / noted) - size if noted else 0
    return max(spare, min(share, 0)) if spare < 0 else min(spare, max(share, 0))


def _recreate(
    deployment: Mapping[str, Any],
    new: Object | None,
    old: Sequence[Object],
    sizes: _Sizes,
    lingering: Collection[str],
) -> None:
    must_wait = _must_wait(deployment, old, lingering)
    for item in old:
        sizes.set(item, 0)
    if new is not None and not must_wait:
        sizes.set(new, wanted(deployment))


def _roll(deployment: Mapping[str, Any], new: Object, old: Sequence[Object], sizes: _Sizes) -> None:
    """One step of a rolling update: grow the new set as far as surge allows, else shrink the old ones."""
    target = wanted(deployment)
    total = sum(sizes.of(item) for item in (new, *old))
    if sizes.of(new) > target:
        sizes.set(new, target)
        return
    room = target + max_surge(deployment) - total
    if sizes.of(new) < target and room > 0:
        sizes.set(new, min(target, sizes.of(new) + room))
        return
    minimum = target - max_unavailable(deployment)
    pending = sizes.of(new) - _count(new, "availableReplicas")
    surplus = total - minimum - max(0, pending)
    for item in old:
        # Pods that do not work are taken first: losing them costs nobody anything.
        broken = min(sizes.of(item) - _count(item, "availableReplicas"), surplus)
        if broken > 0:
            sizes.set(item, sizes.of(item) - broken)
            surplus -= broken
    spare = min(surplus, sum(_count(item, "availableReplicas") for item in (new, *old)) - minimum)
    for item in old:
        down = min(sizes.of(item), spare)
        if down > 0:
            sizes.set(item, sizes.of(item) - down)
            spare -= down


def _history_to_drop(
    deployment: Mapping[str, Any], new: Mapping[str, Any] | None, old: Sequence[Object]
) -> tuple[Object, ...]:
    """Empty old revisions beyond the history limit, once the rollout is done."""
    if new is None or not _is_done(deployment, new):
        return ()
    limit = deployment["spec"].get("revisionHistoryLimit")
    limit = 10 if limit is None else int(limit)
    empty = [
        item
        for item in sorted(old, key=revision_of)
        if not wanted(item) and not _count(item, "replicas") and not item["metadata"].get("deletionTimestamp")
    ]
    return tuple(empty[: max(0, len(empty) - limit)])


def _is_done(deployment: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    target = wanted(deployment)
    return wanted(new) == target and _count(new, "availableReplicas") >= target


def revision_of(replica_set: Mapping[str, Any]) -> int:
    """The revision written on a ReplicaSet, 0 for none."""
    try:
        return int(annotations_of(replica_set).get(REVISION, "0"))
    except ValueError:
        return 0


def _next_revision(new: Mapping[str, Any] | None, old: Sequence[Mapping[str, Any]]) -> int:
    highest = max((revision_of(item) for item in old), default=0)
    return max(highest + 1, revision_of(new) if new is not None else 0)


def _size_annotations(deployment: Mapping[str, Any]) -> dict[str, str]:
    target = wanted(deployment)
    return {DESIRED: str(target), MAXIMUM: str(target + max_surge(deployment))}


def _annotations(deployment: Mapping[str, Any], new: Mapping[str, Any] | None, revision: str) -> dict[str, str]:
    """What the new ReplicaSet carries: the Deployment's own annotations, its revision and its sizes."""
    copied = {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_COPIED}
    notes = {**copied, **_size_annotations(deployment), REVISION: revision}
    if new is None:
        return notes
    known = annotations_of(new)
    before = known.get(REVISION)
    if before and before != revision:
        history = [item for item in known.get(HISTORY, "").split(",") if item]
        notes[HISTORY] = ",".join([*history, before])[-_HISTORY_LENGTH:]
    return notes


def _count(workload: Mapping[str, Any], name: str) -> int:
    return int((workload.get("status") or {}).get(name) or 0)
