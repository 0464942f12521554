"""What is particular about CustomResourceDefinitions: names that two may not share, and the conditions that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause, invalid
from kgents.embedded.schema.crd import approval

if TYPE_CHECKING:
    from kgents.embedded.apiserver.api import Api

Object = dict[str, Any]
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
CRDS = "customresourcedefinitions.apiextensions.k8s.io"
CONFORMANT = "KubernetesAPIApprovalPolicyConformant"
CONVERSION = "ConversionWebhookSupported"
"""A condition of this server's own: it calls no conversion webhooks, and says so rather than serve what is not
converted."""


DELETING = "CustomResource deletion is in progress"


class CrdStrategy(Strategy):
    """A definition is checked, then established at once: there is nobody else to ask."""

    generation = True
    unconditional_update = False
    judges_slowly = True

    def default(self, obj: Object) -> None:
        from kgents.embedded.schema.crd import default_crd

        default_crd(obj)

    def prepare_create(self, obj: Object, write: Write) -> None:
        obj["status"] = {"conditions": [], "acceptedNames": {}, "storedVersions": []}
        self._establish(obj, write)

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        if write.subresource == "status":
            # Whoever wipes these finds them written again, as Kubernetes' own controllers do it.
            status = new["status"] = new.get("status") or {}
            status["conditions"] = status.get("conditions") or []
            status["storedVersions"] = status.get("storedVersions") or []
        elif "status" in old:
            new["status"] = orjson.loads(orjson.dumps(old["status"]))
        self._establish(new, write)

    def _establish(self, obj: Object, write: Write) -> None:
        status, spec = obj["status"], obj.get("spec") or {}
        taken = _conflict(write.api, obj)
        _condition(status, "NamesAccepted", not taken, *(taken or ("NoConflicts", "no conflicts found")), write.now)
        established = any(one["type"] == "Established" and one["status"] == "True" for one in status["conditions"])
        if not taken:
            status["acceptedNames"] = spec.get("names")
        if taken and not established:
            why = ("NotAccepted", "not all names are accepted")
            _condition(status, "Established", False, *why, write.now)
        elif not established:
            why = ("InitialNamesAccepted", "the initial names have been accepted")
            _condition(status, "Established", True, *why, write.now)
        _approved(obj, write.now)
        _converted(status, spec, write.now)
        for version in spec.get("versions") or []:
            if version.get("storage") and version["name"] not in status["storedVersions"]:
                status["storedVersions"].append(version["name"])

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        from kgents.embedded.schema.crd import validate_crd

        return validate_crd(obj, None)

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        from kgents.embedded.schema.crd import validate_crd

        return [*validate_crd(new, old), *_dropped(new)]

    def warnings(self, new: Object, old: Object | None) -> list[str]:
        known = _strange_formats(old) if old is not None else []
        return [f'unrecognized format "{form}"' for form in _strange_formats(new) if form not in known]

    def holds(self, obj: Object) -> bool:
        finalizers = obj["metadata"].setdefault("finalizers", [])
        if not obj["metadata"].get("deletionTimestamp") and CLEANUP not in finalizers:
            finalizers.append(CLEANUP)
        return bool(finalizers)

    def mark_deleted(self, obj: Object) -> None:
        status = obj.setdefault("status", {})
        status.setdefault("conditions", [])
        now = str(obj["metadata"].get("deletionTimestamp") or "")
        _condition(status, "Terminating", True, *("InstanceDeletionInProgress", DELETING), now)


def _strange_formats(crd: Object) -> list[str]:
    from kgents.embedded.schema.formats import unrecognized

    versions = (crd.get("spec") or {}).get("versions") or ()
    return [form for version in versions for form in unrecognized((version.get("schema") or {}).get("openAPIV3Schema"))]


def _dropped(crd: Object) -> list[Cause]:
    """Versions under which objects were stored must stay."""
    names = {version["name"] for version in (crd.get("spec") or {}).get("versions") or ()}
    return [
        invalid(
            f"status.storedVersions[{index}]",
            name,
            f"missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions "
            f"until a storage migration ensures no data remains persisted in {name} and removes {name} from "
            "status.storedVersions",
        )
        for index, name in enumerate((crd.get("status") or {}).get("storedVersions") or ())
        if name not in names
    ]


def _condition(status: Object, kind: str, true: bool, reason: str, message: str, now: str) -> None:
    wanted = {"type": kind, "status": "True" if true else "False", "reason": reason, "message": message}
    for one in status["conditions"]:
        if one["type"] == kind:
            if one["status"] != wanted["status"]:
                one["lastTransitionTime"] = now
            one.update(wanted)
            return
    ordered = {"type": kind, "status": wanted["status"], "lastTransitionTime": now}
    status["conditions"].append({**ordered, "reason": reason, "message": message})


def _conflict(api: Api, obj: Object) -> tuple[str, str] | None:
    """Reason and message if another definition of the group has one of these names; the last of several counts."""
    spec = obj.get("spec") or {}
    names = spec.get("names") or {}
    found: tuple[str, str] | None = None
    for record in api.store.collection(CRDS).records.values():
        other = record.parse()
        if record.key[1] == obj["metadata"].get("name") or other["spec"]["group"] != spec.get("group"):
            continue
        accepted = (other.get("status") or {}).get("acceptedNames") or {}
        words = {accepted.get("plural"), accepted.get("singular"), *(accepted.get("shortNames") or ())}
        kinds = {accepted.get("kind"), accepted.get("listKind")}
        checks = (
            ("Plural", names.get("plural"), words),
            ("Singular", names.get("singular"), words),
            *(("ShortNames", short, words) for short in names.get("shortNames") or ()),
            ("Kind", names.get("kind"), kinds),
            ("ListKind", names.get("listKind"), kinds),
        )
        for word, name, taken in checks:
            if name and name in taken:
                found = (f"{word}Conflict", f'"{name}" is already in use')
    return found


def _approved(crd: Object, now: str) -> None:
    """In groups of the Kubernetes community, whether the definition says that it was reviewed."""
    verdict = approval(crd)
    if verdict is not None:
        state, reason, text = verdict
        _condition(crd["status"], CONFORMANT, state, reason, text, now)


def _converted(status: Object, spec: Object, now: str) -> None:
    if not needs_webhook(spec):
        status["conditions"] = [one for one in status["conditions"] if one["type"] != CONVERSION]
        return
    stored = next((version["name"] for version in spec.get("versions") or () if version.get("storage")), "")
    text = (
        f"conversion webhooks are not called by this server: of the versions only {stored}, the stored one, is served"
    )
    _condition(status, CONVERSION, False, "NotImplemented", text, now)


def needs_webhook(spec: Object) -> bool:
    """Whether versions other than the stored one could only be told by a webhook."""
    return (spec.get("conversion") or {}).get("strategy") == "Webhook" and len(spec.get("versions") or ()) > 1


def is_rejected(crd: Object) -> bool:
    """Whether a definition waits for a name that another has."""
    conditions = (crd.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "NamesAccepted" and one["status"] == "False" for one in conditions)
