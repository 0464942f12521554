"""The ghost: the last known state of one hive, on disk, for when nothing live answers.

    $KGENTS_HOME/ghost/<hive>/
        agents/_index.json  agents/<namespace>/<name>.json
        pheromones/active.json  pheromones/by_type/<TYPE>.json
        proposals/{pending,merged,rejected}.json
        cluster/status.json  cluster/brakes.json
        _meta/{heartbeat,outdated,stability_score}.json

Whoever got a live answer writes it: Cortex as the hive changes, the client otherwise. Trouble with the disk costs a
warning, never an answer: nothing here raises OSError. Many may write and read at once.

An entry's age is the time since a writer last knew it to be in sync. Each file holds that time for what it covers
(`""` is every namespace); a writer that keeps watching says so in the heartbeat, which names the files it vouches
for by their checksum, so that it never vouches for what somebody else wrote, or for what could not be written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kgents.glass import ghost_file, staleness
from kgents.glass.ghost_file import ForeignVersion, Torn
from kgents.glass.ghost_rows import as_of
from kgents.infra.home import folder_stem, home

Row = dict[str, Any]
Warn = Callable[[str], None]

AGENTS = "agents/_index.json"
PHEROMONES = "pheromones/active.json"
PROPOSALS = {name: f"proposals/{name}.json" for name in ("pending", "merged", "rejected")}
CLUSTER = "cluster/status.json"
BRAKES = "cluster/brakes.json"
"""Whether the hive is frozen, by whom and why: small, for it is read beside every other entry."""
HEARTBEAT = "_meta/heartbeat.json"
OUTDATED = "_meta/outdated.json"
STABILITY = "_meta/stability_score.json"
ALL = ""
"""The scope of an answer about every namespace."""
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,252}")


def hive_name(key: str) -> str:
    """The folder of one hive. `key` is kgents.infra.home.context_key(context, server).

    Two servers may share a context's name, in two kubeconfigs: their ghosts must not.
    """
    return f"{folder_stem(key.partition('|')[0])}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def ghost_of(key: str, warn: Warn | None = None) -> Ghost:
    return Ghost(home() / "ghost" / hive_name(key), warn)


def agent_entry(namespace: str, name: str) -> str:
    return f"agents/{namespace}/{name}.json"


def type_entry(kind: str) -> str:
    return f"pheromones/by_type/{kind}.json"


class Snapshot(NamedTuple):
    """What one entry held. `total` exceeds len(items) where the writer kept only the first ones."""

    items: list[Row]
    total: int
    age: float
    """Seconds since it was known to be in sync."""
    staleness: staleness.Staleness
    writer: str = ""


class EntryInfo(NamedTuple):
    """One entry as `kgents ghost status` shows it. `age` None: it is there and cannot be read."""

    entry: str
    items: int
    size: int
    age: float | None
    staleness: staleness.Staleness


class Ghost:
    """The ghost of one hive, below `root`. `warn` gets one sentence for each new kind of trouble."""

    def __init__(self, root: Path, warn: Warn | None = None) -> None:
        self.root = root
        self.warn = warn
        self._told: set[str] = set()

    def read(self, entry: str, now: float, namespace: str = ALL) -> Snapshot | None:
        """The entry's rows, of one namespace or of all; None when it is not known. `now` is time.time()."""
        document = self._load(entry)
        if document is None:
            return None
        synced = self._synced_at(entry, document, namespace)
        if synced is None:
            return None
        kind = entry.partition("/")[0]
        items = as_of(kind, document["items"], document.get("asOf", now), now)
        total = document.get("total", len(items)) - (len(document["items"]) - len(items))
        if namespace:
            items = [row for row in items if row.get("namespace") == namespace]
            total = len(items)
        age = _age(synced, now)
        outdated = synced <= self._outdated().get(kind, 0.0)
        judged = staleness.classify(kind, age, self.stability(), outdated=outdated)
        return Snapshot(items, total, age, judged, document.get("writer", ""))

    def read_one(self, entry: str, now: float) -> Snapshot | None:
        """An entry that is one object: its only item."""
        found = self.read(entry, now)
        return found if found and found.items else None

    def frozen(self, now: float) -> dict[str, str] | None:
        """{"by", "reason", "since"} if the hive was frozen when it was last seen."""
        found = self.read(BRAKES, now)
        row = found.items[0] if found and found.items else {}
        return {key: str(row.get(key) or "") for key in ("by", "reason", "since")} if row.get("frozen") else None

    def write(
        self,
        entry: str,
        items: Iterable[Mapping[str, Any] | bytes],
        *,
        now: float,
        namespace: str = ALL,
        total: int | None = None,
        writer: str = "glass",
    ) -> str | None:
        """Keep the rows (redacted, and as they are at `now`) of an answer about `namespace`, in sync at `now`.

        An answer about one namespace leaves the others' rows as they were. Returns the file's checksum, or None
        when it could not be written; that has been told.
        """
        rows = [item if isinstance(item, bytes) else _dump(item) for item in items]
        scopes = {ALL: now}
        if namespace:
            others, scopes = self._others(entry, namespace, now)
            rows += others
            scopes[namespace] = now
        stated = len(rows) if total is None or namespace else total
        content = ghost_file.encode({"writer": writer, "asOf": now, "scopes": scopes, "total": stated}, rows)
        return ghost_file.checksum_of(content) if self._replace(entry, content) else None

    def write_one(
        self, entry: str, item: Mapping[str, Any] | bytes, *, now: float, writer: str = "glass"
    ) -> str | None:
        return self.write(entry, [item], now=now, writer=writer)

    def holds(self, entry: str, checksum: str) -> bool:
        """Whether an entry is still what was written with that checksum, by nobody else and not removed."""
        return ghost_file.stated(self._path(entry)) == checksum

    def remove(self, entry: str) -> None:
        """Forget one entry, as when its agent is gone."""
        try:
            self._path(entry).unlink(missing_ok=True)
        except OSError as error:
            self._tell(f"the ghost's {entry} could not be removed: {error.strerror}")

    def heartbeat(self, now: float, checksums: Mapping[str, str], *, agents: bool = False) -> bool:
        """State that the files with these checksums are still in sync, and with `agents` every agent's own file."""
        content = _dump({"inSyncAt": now, "files": dict(checksums), "agents": agents})
        return self._replace(HEARTBEAT, ghost_file.encode({}, [content]))

    def stamps(self) -> list[int]:
        """Other than before once a list may tell something else: when each was written, in nanoseconds."""
        entries = (AGENTS, PHEROMONES, *PROPOSALS.values(), BRAKES, HEARTBEAT, OUTDATED)
        return [_written(self.root / entry) for entry in entries]

    def outdate(self, kind: str, now: float) -> None:
        """Something of this kind was written past the ghost: it is stale until somebody is in sync again."""
        known = {**self._outdated(), kind: now}
        self._replace(OUTDATED, ghost_file.encode({}, [_dump(known)]))

    def stability(self) -> float:
        """How rarely the hive changed lately: 0 (often, or unknown) … 1."""
        score = self._meta(STABILITY).get("score")
        return float(score) if isinstance(score, (int, float)) else 0.0

    def write_stability(self, changes: int, now: float) -> None:
        score = round(staleness.stability_score(changes), 4)
        fact = {"score": score, "changes": changes, "windowSeconds": staleness.WINDOW_SECONDS, "computedAt": now}
        self._replace(STABILITY, ghost_file.encode({}, [_dump(fact)]))

    def clear(self) -> int:
        """Remove all of it. Returns the number of files that were there."""
        count = sum(1 for path in self.root.rglob("*") if path.is_file())
        if self.root.exists():
            import shutil

            try:
                shutil.rmtree(self.root)
            except OSError as error:
                self._tell(f"the ghost could not be cleared: {error.strerror}")
        return count

    def tidy(self, now: float) -> None:
        """Remove what writers that were killed left half-written an hour ago or longer."""
        for path in self.root.rglob(".*.tmp"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < now - 3600:
                    path.unlink()

    def entries(self, now: float) -> list[EntryInfo]:
        """Every list that is there (agents' own files are counted as one, `agents/*`)."""
        found = [self._info(entry, now) for entry in (AGENTS, PHEROMONES, *PROPOSALS.values(), CLUSTER)]
        own = list(self.root.glob("agents/*/*.json"))
        if own:
            size = sum(path.stat().st_size for path in own)
            index = found[0]
            found.insert(1, EntryInfo("agents/*", len(own), size, index.age if index else None, _or_old(index)))
        return [info for info in found if info is not None]

    def agent_names(self) -> list[tuple[str, str]]:
        """(namespace, name) of every known agent, of any age: for completion."""
        document = self._load(AGENTS) or {"items": []}
        return [(row.get("namespace", ""), row["name"]) for row in document["items"] if "name" in row]

    def _info(self, entry: str, now: float) -> EntryInfo | None:
        try:
            size = self._path(entry).stat().st_size
        except OSError:
            return None
        document = self._load(entry)
        if document is None:
            return EntryInfo(entry, 0, size, None, "old")
        scopes = document.get("scopes") or {}
        scope = ALL if ALL in scopes else min(scopes, key=lambda name: float(scopes[name]), default=ALL)
        found = self.read(entry, now, scope)
        age = found.age if found else None
        return EntryInfo(entry, len(document["items"]), size, age, found.staleness if found else "old")

    def _synced_at(self, entry: str, document: Mapping[str, Any], namespace: str) -> float | None:
        scopes: Mapping[str, float] = document.get("scopes") or {}
        known = [float(scopes[scope]) for scope in {ALL, namespace} if scope in scopes]
        if not known:
            return None
        beat = self._meta(HEARTBEAT)
        own_file = entry.startswith("agents/") and entry != AGENTS
        vouched = beat.get("files", {}).get(entry) == document["checksum"]
        vouched = vouched or (own_file and bool(beat.get("agents")) and document.get("writer") == "cortex")
        if vouched:
            known.append(float(beat.get("inSyncAt", 0.0)))
        return max(known)

    def _others(self, entry: str, namespace: str, now: float) -> tuple[list[bytes], dict[str, float]]:
        """The rows of the other namespaces as they are now, and when each scope was in sync."""
        document = self._load(entry)
        if document is None:
            return [], {}
        scopes = {scope: float(at) for scope, at in (document.get("scopes") or {}).items()}
        vouched = self._synced_at(entry, document, ALL)
        if vouched is not None:
            # The heartbeat knows the file by its checksum, which is about to change.
            scopes[ALL] = vouched
        rows = as_of(entry.partition("/")[0], document["items"], document.get("asOf", now), now)
        return [_dump(row) for row in rows if row.get("namespace") != namespace], scopes

    def _outdated(self) -> dict[str, float]:
        return {kind: float(at) for kind, at in self._meta(OUTDATED).items() if isinstance(at, (int, float))}

    def _meta(self, entry: str) -> dict[str, Any]:
        document = self._load(entry)
        return document["items"][0] if document and document["items"] else {}

    def _load(self, entry: str) -> dict[str, Any] | None:
        try:
            path = self._path(entry)
        except ValueError:
            return None  # no object bears such a name
        try:
            return ghost_file.read(path)
        except Torn:
            self._tell(f"the ghost's {entry} was damaged and is set aside as {path.name}.corrupt")
        except ForeignVersion:
            self._tell(f"the ghost's {entry} was written by another version of kgents and is not used")
        except OSError as error:
            self._tell(f"the ghost's {entry} cannot be read: {error.strerror}")
        return None

    def _replace(self, entry: str, content: bytes) -> bool:
        try:
            ghost_file.replace(self._path(entry), content)
        except OSError as error:
            self._tell(f"the ghost could not be written below {self.root}: {error.strerror or error}")
            return False
        return True

    def _path(self, entry: str) -> Path:
        if not all(_SEGMENT.fullmatch(part) for part in entry.split("/")):
            raise ValueError(f"not an entry of the ghost: {entry!r}")
        return self.root / entry

    def _tell(self, sentence: str) -> None:
        if self.warn is not None and sentence not in self._told:
            self._told.add(sentence)
            self.warn(sentence)


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _age(synced: float, now: float) -> float:
    # A clock that was set back would make everything fresh for as long: seconds of skew pass, more counts as age.
    ahead = synced - now
    return 0.0 if 0.0 <= ahead <= 5.0 else abs(ahead)


def _or_old(info: EntryInfo | None) -> staleness.Staleness:
    return info.staleness if info else "old"


def _dump(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
