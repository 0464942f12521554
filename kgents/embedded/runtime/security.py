"""What a securityContext asks for, as far as a process on this machine can have it; the rest is put into words.

https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.embedded.runtime.states import View

Object = Mapping[str, Any]
CAPABILITIES = {
    "CHOWN": 0,
    "DAC_OVERRIDE": 1,
    "FOWNER": 3,
    "FSETID": 4,
    "KILL": 5,
    "SETGID": 6,
    "SETUID": 7,
    "SETPCAP": 8,
    "NET_BIND_SERVICE": 10,
    "SYS_CHROOT": 18,
}
"""What root keeps, by number: the usual of containers, without what reaches beyond one (raw packets, devices)."""
_NOT_OFFERED = ("seLinuxOptions", "windowsOptions", "appArmorProfile", "seccompProfile", "procMount", "sysctls")
_SHARED = ("hostPID", "hostIPC", "shareProcessNamespace")
_HARMLESS = ("RuntimeDefault", "Default")


@dataclass(frozen=True, slots=True)
class Wanted:
    """`user` is {"uid", "gid", "groups"} or None for the hive's own; `unmet` says in words what it cannot have."""

    user: dict[str, Any] | None
    capabilities: list[int]
    read_only_root: bool
    unmet: list[str]


def wanted(pod: Object, container: Object, uid: int, gid: int, *, spaces: bool) -> Wanted:
    """What one container gets from a runtime that runs as `uid` and `gid`. `spaces`: in a root of its own."""
    of_pod, own = pod["spec"].get("securityContext") or {}, container.get("securityContext") or {}
    asked = {**of_pod, **own}
    unmet: list[str] = []
    user = _user(asked, uid, gid, spaces, unmet)
    unmet += [f"{name}: no pod shares this" for name in _SHARED if pod["spec"].get(name)]
    if own.get("privileged"):
        unmet.append("privileged: no pod of this hive is")
    if own.get("allowPrivilegeEscalation"):
        unmet.append("allowPrivilegeEscalation: no program gets more rights than it starts with")
    if asked.get("runAsNonRoot") and not (user["uid"] if user else uid):
        unmet.append("runAsNonRoot: the hive runs as root; say runAsUser")
    unmet += [f"{name}: not offered" for name in _NOT_OFFERED if name in asked and not _is_default(asked[name])]
    return Wanted(user, _capabilities(own, uid, unmet), bool(own.get("readOnlyRootFilesystem")), unmet)


def _user(asked: Object, uid: int, gid: int, spaces: bool, unmet: list[str]) -> dict[str, Any] | None:
    as_user, as_group = asked.get("runAsUser", uid), asked.get("runAsGroup")
    more = [*(asked.get("supplementalGroups") or []), *([asked["fsGroup"]] if "fsGroup" in asked else [])]
    as_group = as_group if as_group is not None else (gid if as_user == uid else 0)
    if (as_user, as_group) == (uid, gid) and not more:
        return None
    if uid == 0 and spaces:
        return {"uid": as_user, "gid": as_group, "groups": more}
    names = ("runAsUser", "runAsGroup", "supplementalGroups", "fsGroup")
    why = f"programs run as the hive's own user {uid}" if uid else "mounts are refused here"
    unmet += [f"{name}: {why}" for name in names if name in asked and asked[name] not in (uid, gid)]
    return None


def _capabilities(own: Object, uid: int, unmet: list[str]) -> list[int]:
    asked = own.get("capabilities") or {}
    kept = dict(CAPABILITIES)
    for name in map(_bare, asked.get("drop") or []):
        kept = {} if name == "ALL" else {key: value for key, value in kept.items() if key != name}
    for name in map(_bare, asked.get("add") or []):
        if uid == 0 and name in CAPABILITIES:
            kept[name] = CAPABILITIES[name]
        else:
            unmet.append(f"capabilities.add {name}: not given")
    return sorted(kept.values())


def _bare(name: str) -> str:
    return name.upper().removeprefix("CAP_")


def _is_default(value: object) -> bool:
    return not value or (isinstance(value, Mapping) and value.get("type") in _HARMLESS)


def restrictions(pod: Object, views: Iterable[View]) -> dict[str, tuple[bool, str, str]]:
    """Conditions of what a pod asks for and does not get on this machine; none for one that gets all of it."""
    known = {one["type"] for one in (pod.get("status") or {}).get("conditions") or []}
    kinds = (("WorkingDirOpen", "KeptFromPods", "notes"), ("SecurityContextMet", "NotOffered", "unmet"))
    found = {}
    for kind, reason, key in kinds:
        states = [view.attempt.state for view in views]
        said = "; ".join(dict.fromkeys(str(line) for state in states for line in state.get(key) or ()))
        if said or kind in known:
            found[kind] = (not said, reason if said else "", said)
    return found
