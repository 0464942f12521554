"""Objects into a cluster that is not ours: tried as a whole first, applied under one field manager, and remembered.

What was there before is never ours to take away: `made` holds those objects alone that this hive has created. One is
written down before it is created, so that a crash in between leaves nothing behind that nobody knows of.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from kgents.api.errors import KgentsError
from kgents.api.kinds import CRD, DEPLOYMENT, Kind
from kgents.files import write_private
from kgents.kube.client import KubeClient
from kgents.kube.errors import ApiError, Conflict, ObjectNotFound

MANAGER = "kgents-infra"
Object = dict[str, Any]
Part = tuple[Kind, Object]
_PAUSE = 0.1


class Made:
    """The objects that a hive has made in its cluster, on disk: `{key: uid}`, "" while the answer is outstanding."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.uids: dict[str, str] = _read(path)

    def note(self, kind: Kind, obj: Object, uid: str = "") -> None:
        self.uids[_key(kind, obj)] = uid
        self._write()

    def forget(self, kind: Kind, obj: Object) -> None:
        self.uids.pop(_key(kind, obj), None)
        self._write()

    def uid(self, kind: Kind, obj: Object) -> str | None:
        """Its uid; "" when it is not known; None when somebody else made the object."""
        return self.uids.get(_key(kind, obj))

    def _write(self) -> None:
        write_private(self._path, json.dumps(self.uids, indent=1) + "\n")


async def rehearse(api: KubeClient, parts: Iterable[Part], *, force: bool) -> None:
    """A dry run of all of it: raises what would go wrong, while nothing has been changed."""

    async def one(kind: Kind, obj: Object) -> None:
        try:
            await api.apply(kind, obj, field_manager=MANAGER, force=force, dry_run=True)
        except ObjectNotFound:
            if not kind.namespaced:  # its namespace is about to be made
                raise
        except Conflict as error:
            raise _conflict(kind, obj, error) from error

    await asyncio.gather(*(one(kind, obj) for kind, obj in parts))


async def apply(api: KubeClient, parts: Iterable[Part], made: Made | None, *, force: bool) -> Counter[str]:
    """In the order given; what is new is noted in `made`. Returns how many were `created`, `changed`, `unchanged`."""
    done: Counter[str] = Counter()
    for kind, obj in parts:
        before = await _get(api, kind, obj)
        if before is None and made is not None:
            made.note(kind, obj)
        try:
            now = await api.apply(kind, obj, field_manager=MANAGER, force=force)
        except Conflict as error:
            raise _conflict(kind, obj, error) from error
        if before is None:
            done["created"] += 1
            if made is not None:
                made.note(kind, obj, now["metadata"]["uid"])
        else:
            same = before["metadata"]["resourceVersion"] == now["metadata"]["resourceVersion"]
            done["unchanged" if same else "changed"] += 1
    return done


async def established(api: KubeClient, parts: Iterable[Part]) -> None:
    """Returns once every CRD among them is served."""
    for kind, obj in parts:
        while kind == CRD and not _is_established(await api.get(CRD, obj["metadata"]["name"])):
            await asyncio.sleep(_PAUSE)


async def remove(api: KubeClient, parts: Iterable[Part], made: Made) -> Counter[str]:
    """Takes away what this hive has made, last things first, and waits until it is gone: `removed`, `left`."""
    done: Counter[str] = Counter()
    for kind, obj in reversed(list(parts)):
        uid = made.uid(kind, obj)
        there = await _get(api, kind, obj)
        if uid is not None and there is not None and _is_ours(there, uid):
            name, namespace = obj["metadata"]["name"], obj["metadata"].get("namespace")
            # Its pods first: one that is still at work would make anew what goes after it.
            propagation: Literal["Foreground"] | None = "Foreground" if kind == DEPLOYMENT else None
            await api.delete(kind, name, namespace, uid=uid or None, propagation=propagation)
            await _gone(api, kind, obj, there["metadata"]["uid"])
            done["removed"] += 1
        elif there is not None:
            done["left"] += 1
        made.forget(kind, obj)
    return done


def _is_ours(there: Object, uid: str) -> bool:
    if uid:
        return bool(there["metadata"]["uid"] == uid)
    # Its creation was begun and no answer came: ours if nobody but us has applied it.
    managers = [entry.get("manager") for entry in there["metadata"].get("managedFields") or ()]
    return MANAGER in managers


async def _gone(api: KubeClient, kind: Kind, obj: Object, uid: str) -> None:
    while (there := await _get(api, kind, obj)) is not None and there["metadata"]["uid"] == uid:
        await asyncio.sleep(_PAUSE)


async def _get(api: KubeClient, kind: Kind, obj: Object) -> Object | None:
    try:
        return await api.get(kind, obj["metadata"]["name"], obj["metadata"].get("namespace"))
    except ObjectNotFound:
        return None


def _is_established(crd: Object) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or []
    return any(one["type"] == "Established" and one["status"] == "True" for one in conditions)


def _conflict(kind: Kind, obj: Object, error: ApiError) -> KgentsError:
    fields = [f"{cause.get('message')}: {cause.get('field')}" for cause in error.causes] or [error.message]
    return KgentsError(
        f"Somebody else manages {kind.kind} {obj['metadata']['name']}, so it was left alone",
        why="; ".join(fields[:3]) + (f" and {len(fields) - 3} more" if len(fields) > 3 else ""),
        fix="If kgents should manage these fields from now on, add --force-conflicts",
    )


def _key(kind: Kind, obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{kind.plural}/{metadata.get('namespace', '')}/{metadata['name']}"


def _read(path: Path) -> dict[str, str]:
    try:
        said = json.loads(path.read_bytes())
        return {str(key): str(uid) for key, uid in said.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, AttributeError) as error:
        raise KgentsError(
            f"{path} is damaged",
            why="it says what was made in the cluster",
            fix="Remove it: then nothing in the cluster is taken away by kgents infra delete",
        ) from error
