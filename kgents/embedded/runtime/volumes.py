"""A pod's volumes as folders, and where each container wants them.

Files of ConfigMaps, Secrets, the downward API and tokens stand as the kubelet lays them: a dated folder, a link
`..data` to it, and a link for each file. An update makes a new dated folder and moves one link: no reader sees half.
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.runtime.environment import Missing, expand, field, resource_field

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
Object = Mapping[str, Any]
Content = Callable[[str, str], Mapping[str, bytes] | None]
"""("configmaps" | "secrets", name) → its keys as bytes, or None when there is none."""
Files = dict[str, tuple[bytes, int]]
"""Relative path → content and mode."""


class Unsupported(KgentsError):
    """A volume that the hive cannot offer."""


def texts(obj: Object, *, secret: bool) -> dict[str, bytes]:
    """The files in a ConfigMap or a Secret."""
    if secret:
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    plain = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    return plain | {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}


def projected_sources(volume: Object) -> list[tuple[str, Object, int]]:
    """(kind of source, source, mode) of a volume that is made of files; empty for the others."""
    for kind in ("configMap", "secret", "downwardAPI"):
        if kind in volume:
            source = volume[kind]
            return [(kind, source, int(source.get("defaultMode", 0o644)))]
    if "projected" in volume:
        mode = int(volume["projected"].get("defaultMode", 0o644))
        parts = volume["projected"].get("sources") or []
        return [(kind, source, mode) for part in parts for kind, source in part.items()]
    return []


def gather(volume: Object, pod: Object, content: Content, tokens: Mapping[str, str]) -> Files:
    """All files of a volume. `content` finds ConfigMaps and Secrets, `tokens` are by audience. Raises Missing."""
    files: Files = {}
    for kind, source, mode in projected_sources(volume):
        if kind in ("configMap", "secret"):
            files |= _picked(kind, source, mode, content)
        elif kind == "downwardAPI":
            for item in source.get("items") or []:
                files[item["path"]] = (_downward(item, pod).encode(), int(item.get("mode", mode)))
        elif kind == "serviceAccountToken":
            files[source["path"]] = (tokens[source.get("audience", "")].encode(), 0o600)
    return files


def _picked(kind: str, source: Object, mode: int, content: Content) -> Files:
    name = source.get("name") or source.get("secretName") or ""
    found = content("configmaps" if kind == "configMap" else "secrets", name)
    if found is None:
        if source.get("optional"):
            return {}
        raise Missing(f'{kind.lower()} "{name}" not found')
    items = source.get("items")
    if items is None:
        return {key: (value, mode) for key, value in found.items()}
    files: Files = {}
    for item in items:
        if item["key"] in found:
            files[item["path"]] = (found[item["key"]], int(item.get("mode", mode)))
        elif not source.get("optional"):
            raise Missing(f'"{name}" has no key {item["key"]}')
    return files


def _downward(item: Object, pod: Object) -> str:
    if item.get("fieldRef"):
        return field(pod, item["fieldRef"]["fieldPath"])
    reference = item["resourceFieldRef"]
    containers = {c["name"]: c for c in pod["spec"]["containers"]}
    return resource_field(containers.get(reference.get("containerName"), {}), reference)


def lay(folder: Path, files: Files) -> bool:
    """Makes `folder` show exactly `files`, in one step. False when it did already."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    current = folder / "..data"
    if current.exists() and _read(current) == {path: content for path, (content, _) in files.items()}:
        return False
    for path in files:
        _inside(folder, path)
    dated = folder / f"..{time.strftime('%Y_%m_%d_%H_%M_%S')}.{time.monotonic_ns()}"
    for path, (content, mode) in files.items():
        target = _inside(dated, path)
        target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)  # whatever our umask is
            file.write(content)
    dated.mkdir(exist_ok=True)
    old = _dated(folder, current)
    scratch = folder / "..data_tmp"
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(dated.name)
    scratch.rename(current)
    _link_all(folder, files)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)
    return True


def _dated(folder: Path, current: Path) -> Path | None:
    """The folder that `current` shows, if it is one of ours: nothing else is ever removed."""
    try:
        name = str(current.readlink())
    except OSError:
        return None
    return folder / name if re.fullmatch(r"\.\.\d[\d_.]*", name) else None


def _read(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def _link_all(folder: Path, files: Files) -> None:
    wanted = {path.partition("/")[0] for path in files}
    for name in wanted:
        link = folder / name
        if not link.is_symlink():
            link.symlink_to(f"..data/{name}")
    for entry in folder.iterdir():
        # Folders may be the mount points of other volumes.
        if entry.is_symlink() and not entry.name.startswith("..") and entry.name not in wanted:
            entry.unlink()


def _inside(folder: Path, path: str) -> Path:
    """`folder`/`path`, which must not lead out of it: keys come from whoever may write ConfigMaps."""
    parts = Path(path).parts
    if path.startswith("/") or ".." in parts or not parts or parts[0].startswith("..") or "\0" in path:
        raise Unsupported(f"“{path[:60]}” is no path inside a volume")
    return folder / path


def place(volume: Object, pod_dir: Path, claims: Path, namespace: str) -> Path:
    """The folder of a volume. Raises Unsupported for sorts that the hive has not."""
    _check_name(str(volume["name"]))
    if "emptyDir" in volume or projected_sources(volume) or set(volume) == {"name"}:
        return pod_dir / "volumes" / str(volume["name"])
    if "persistentVolumeClaim" in volume:
        return claims / namespace / _check_name(str(volume["persistentVolumeClaim"]["claimName"]))
    sort = next(iter(set(volume) - {"name"}), "unknown")
    raise Unsupported(
        f"The volume “{volume['name']}” is of the sort {sort}",
        why="the embedded hive has emptyDir, configMap, secret, downwardAPI, projected and persistentVolumeClaim",
    )


def _check_name(name: str) -> str:
    """A name that becomes part of a path. The API should have refused others; this must hold without it."""
    if not _NAME.fullmatch(name):
        raise Unsupported(f"“{name[:60]}” is no name of a volume or a claim")
    return name


def mounts(
    container: Object, places: Mapping[str, Path], env: Mapping[str, str], read_only: Container[str] = ()
) -> list[dict[str, Any]]:
    """The mounts of one container for its launcher, their sources without links. Raises Unsupported.

    A missing subPath is made, as a folder. The volumes in `read_only` are so whatever the container asks.
    """
    found: list[dict[str, Any]] = []
    for mount in container.get("volumeMounts") or []:
        if mount["name"] not in places:
            raise Unsupported(f"The volume “{mount['name']}” that is to be mounted is not among the pod's volumes")
        source = places[mount["name"]]
        below = mount.get("subPath") or expand(mount.get("subPathExpr") or "", env)
        source = _below(source, below) if below else source.resolve()
        # Files of the API are nobody's to change here, as with the kubelet.
        fixed = bool(mount.get("readOnly")) or mount["name"] in read_only
        found.append({"source": str(source), "target": mount["mountPath"], "readOnly": fixed})
    return found


def _below(volume: Path, path: str) -> Path:
    """A subPath, links resolved. They were made by a program, and must not lead out of the volume."""
    top, source = volume.resolve(), _inside(volume, path).resolve()
    if not source.is_relative_to(top):
        raise Unsupported(f"The subPath “{path[:60]}” leads out of its volume")
    if not source.exists():
        _make_below(top, source.relative_to(top).parts)
    return source


def _make_below(top: Path, parts: Iterable[str]) -> None:
    """Makes folders step by step, and follows no link that a program puts in the way meanwhile."""
    here = os.open(top, os.O_PATH | os.O_DIRECTORY)
    try:
        for part in parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, dir_fd=here)
            above, here = here, os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=here)
            os.close(above)
    except OSError as error:
        raise Unsupported(f"A subPath of {top.name} cannot be made", why=str(error.strerror)) from error
    finally:
        os.close(here)


def show(root: Path, mounts: list[dict[str, Any]]) -> None:
    """Links below `root`, at the paths of the mounts: there a program finds them where it may not mount."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True, mode=0o700)
    for mount in sorted(mounts, key=lambda one: str(one["target"])):
        link = root / str(mount["target"]).strip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(mount["source"])
