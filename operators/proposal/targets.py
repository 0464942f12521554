"""What a proposal is about, and the two things that can be done with it: try it, and do it.

Both are the same request, once as a dry run: what the API server says would happen is what is shown, scored and
approved. The doing is bound to the version that the last dry run saw, and leaves a note of whose change it was.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api import adopting, conditions
from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.api.governance.changes import ABSENT, PROPOSAL_ANNOTATION
from kgents.api.governance.risk import Subject
from kgents.api.kinds import AGENT, Kind
from kgents.kube.client import KubeClient
from kgents.kube.discovery import discover
from kgents.kube.errors import ApiError, Conflict, ObjectNotFound
from operators.proposal import bounds
from operators.proposal.owned import applied_by, overlay

Object = dict[str, Any]
Verb = Literal["create", "patch", "delete"]

MANAGER = "kgents-proposals"
"""The field manager of merges."""
_NOTE_PATH = "/metadata/annotations/" + PROPOSAL_ANNOTATION.replace("/", "~1")


class Unworkable(KgentsError):
    """The proposal cannot be carried out as it stands, now or later; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Target:
    """The object that should change: its kind as the API names it, its namespace ("" for none) and name.

    `adopter`: the agent that has adopted it, "" for what no agent has.
    """

    kind: Kind
    namespace: str
    name: str
    adopter: str = ""

    @property
    def group(self) -> str:
        return self.kind.api_version.rpartition("/")[0]

    @property
    def key(self) -> str:
        """What tells it from all others: merges of one target take turns."""
        return f"{self.group}/{self.kind.plural}/{self.namespace}/{self.name}"

    @property
    def subject(self) -> Subject:
        return Subject(self.group, self.kind.kind, self.namespace, adopted=bool(self.adopter))

    def to_json(self, verb: Verb) -> dict[str, str]:
        """As it stands in `status.targetResource`."""
        version = self.kind.api_version.rpartition("/")[2]
        named = {"group": self.group, "version": version, "resource": self.kind.plural, "verb": verb}
        return named | ({"namespace": self.namespace} if self.namespace else {})


@dataclass(frozen=True, slots=True)
class Trial:
    """What a dry run said: the target now and as it would be (ABSENT where there is none)."""

    before: Any
    after: Any

    @property
    def verb(self) -> Verb:
        return "create" if self.before is ABSENT else "delete" if self.after is ABSENT else "patch"


class Targets:
    """Finds, tries and changes targets. `merger` acts as the one who may merge; `reader` reads and dry-runs as he."""

    def __init__(self, merger: KubeClient) -> None:
        self._api = merger
        self._kinds: dict[tuple[str, str], Kind] = {}

    async def find(self, proposal: Mapping[str, Any]) -> Target:
        """Raises Unworkable for a kind that the API server does not have."""
        wanted = proposal["spec"]["target"]
        api_version, name = str(wanted.get("apiVersion") or "kgents.io/v1"), str(wanted["kind"])
        kind = self._kinds.get((api_version, name)) or await self._discover(api_version, name)
        own = str(proposal["metadata"]["namespace"])
        namespace, named = str(wanted.get("namespace") or own) if kind.namespaced else "", str(wanted["name"])
        adopter = await self._adopter_of(kind, namespace, named) if kind in adopting.KINDS.values() else ""
        return Target(kind, namespace, named, adopter)

    async def _adopter_of(self, kind: Kind, namespace: str, name: str) -> str:
        """The agent that has adopted that workload and says so, "" for none."""
        agents = (await self._api.list(AGENT, namespace))["items"]
        found = (one for one in agents if adopting.is_of(one, kind.kind, namespace, name))
        return next((str(one["metadata"]["name"]) for one in found if conditions.is_true(one, "Adopted")), "")

    async def _discover(self, api_version: str, name: str) -> Kind:
        try:
            found = await discover(self._api, api_version, name)
        except NotFound as error:
            raise Unworkable(error.what) from error
        self._kinds[api_version, name] = found
        return found

    async def read(self, target: Target) -> Any:
        """The object, or ABSENT."""
        try:
            return await self._api.get(target.kind, target.name, target.namespace or None)
        except ObjectNotFound:
            return ABSENT

    async def try_it(self, target: Target, proposal: Mapping[str, Any]) -> Trial:
        """The API server's own dry run. Raises Unworkable, or what the server said no with."""
        spec = proposal["spec"]
        if why := bounds.refusal(spec["patch"]) if spec.get("patch") else "":
            raise Unworkable(why)
        before = await self.read(target)
        try:
            after = await self._send(target, spec, Trial(before, ABSENT), note="", dry_run=True)
        except ObjectNotFound as error:
            if before is ABSENT:
                raise Unworkable(error.what) from error  # no namespace to make it in
            raise
        if after is not ABSENT and (why := bounds.hidden(before, after) or bounds.not_its_own(before, after)):
            raise Unworkable(why)
        return Trial(before, after)

    async def do_it(self, target: Target, proposal: Mapping[str, Any], trial: Trial) -> None:
        """The change itself, on the version that was tried. Raises Conflict when somebody was faster."""
        await self._send(target, proposal["spec"], trial, note=note_of(proposal), dry_run=False)

    async def put_back(self, target: Target, proposal: Mapping[str, Any], restored: Any) -> None:
        """The way back: `restored` as a whole, on the version that it carries (none: it is made anew)."""
        body = copy.deepcopy(restored)
        annotations = body["metadata"].setdefault("annotations", {})
        annotations[PROPOSAL_ANNOTATION] = f"{note_of(proposal)}/back"
        namespace = target.namespace or None
        if body["metadata"].get("resourceVersion"):
            await self._api.replace(target.kind, body, namespace, field_manager=MANAGER)
        else:
            await self._api.create(target.kind, body, namespace, field_manager=MANAGER)

    async def take_away(self, target: Target, current: Any) -> None:
        """The way back of a creation."""
        await self._delete(target, current, dry_run=False)

    async def _send(self, target: Target, spec: Mapping[str, Any], trial: Trial, *, note: str, dry_run: bool) -> Any:
        before = trial.before
        if spec.get("delete"):
            if before is ABSENT:
                raise Unworkable(f"{target.kind.kind} {target.name} is not there, so it cannot be deleted")
            await self._delete(target, before, dry_run=dry_run)
            return ABSENT
        patch = spec["patch"]
        type, content = patch.get("type") or "Apply", patch["content"]
        if type == "Apply":
            return await self._apply(target, content, before, note=note, dry_run=dry_run)
        if before is ABSENT:
            raise Unworkable(f"{target.kind.kind} {target.name} is not there, and only an Apply patch can make it")
        version = before["metadata"]["resourceVersion"]
        if type == "Merge":
            body: Any = _with_metadata(content, version, note)
        else:
            body = _guarded(content, trial.after, version, note)
        return await self._api.patch(
            target.kind,
            target.name,
            body,
            target.namespace or None,
            type="merge" if type == "Merge" else "json",
            field_manager=MANAGER,
            field_validation="Strict",
            dry_run=dry_run,
        )

    async def _apply(self, target: Target, content: Any, before: Any, *, note: str, dry_run: bool) -> Any:
        kept = {} if before is ABSENT else applied_by(before, MANAGER)
        version = None if before is ABSENT else before["metadata"]["resourceVersion"]
        body = _with_metadata(overlay(kept, content), version, note)
        body["metadata"]["name"] = target.name
        body |= {"apiVersion": target.kind.api_version, "kind": target.kind.kind}
        try:
            return await self._api.apply(
                target.kind,
                body,
                target.namespace or None,
                field_manager=MANAGER,
                field_validation="Strict",
                force=True,
                dry_run=dry_run,
            )
        except ApiError as error:
            # Kubernetes answers 500 to an apply of a field that the schema does not have.
            if error.status == 500 and "typed patch" in error.what:
                raise Unworkable(error.what) from error
            raise

    async def _delete(self, target: Target, current: Any, *, dry_run: bool) -> None:
        metadata = current["metadata"]
        await self._api.delete(
            target.kind,
            target.name,
            target.namespace or None,
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            propagation="Background",
            dry_run=dry_run,
        )


def note_of(proposal: Mapping[str, Any]) -> str:
    """What a merge leaves on its target: `namespace/name/uid` of the proposal."""
    metadata = proposal["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}/{metadata['uid']}"


def note_on(obj: Any) -> str:
    """The note of the last merge or way back, "" when there is none."""
    return "" if obj is ABSENT else str((obj["metadata"].get("annotations") or {}).get(PROPOSAL_ANNOTATION) or "")


def _with_metadata(content: Any, version: str | None, note: str) -> Object:
    body = copy.deepcopy(dict(content))
    metadata = body.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    for fixed in ("name", "namespace", "uid", "managedFields", "resourceVersion"):
        metadata.pop(fixed, None)
    if version:
        metadata["resourceVersion"] = version
    if note:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), PROPOSAL_ANNOTATION: note}
    body["metadata"] = metadata
    return body


def _guarded(operations: list[Any], after: Any, version: str, note: str) -> list[Any]:
    # The note comes last, so that no operation takes it away; whether there is a place for it, the dry run has shown.
    guard = [{"op": "test", "path": "/metadata/resourceVersion", "value": version}]
    if not note:
        return [*guard, *operations]
    noted: list[Any] = [{"op": "add", "path": _NOTE_PATH, "value": note}]
    if not after["metadata"].get("annotations"):
        noted.insert(0, {"op": "add", "path": "/metadata/annotations", "value": {}})
    return [*guard, *operations, *noted]


def is_final(error: KgentsError) -> bool:
    """Whether the answer is no for good, rather than no answer, a busy server or credentials that have run out."""
    if isinstance(error, ApiError):
        return 400 <= error.status < 500 and error.status not in (401, 404, 408, 409, 410, 429)
    return isinstance(error, (Unworkable, UsageError))


def is_moved(error: KgentsError) -> bool:
    """Whether it was somebody else's write that came in between."""
    return isinstance(error, Conflict) or "/metadata/resourceVersion" in error.what
