"""The folders of claims: each belongs to one PersistentVolumeClaim, by its uid, and ends with it.

A claim that is made anew under an old name must not find what the old one held.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

Object = Mapping[str, Any]
Key = tuple[str, str]


def belongs(place: Path, uid: str) -> None:
    """Makes the folder at `place` that of the claim `uid`: what an earlier claim of its name left there is removed."""
    stamp = _stamp(place)
    with contextlib.suppress(FileNotFoundError):
        if stamp.read_text() == uid:
            return
        _take_away(place)
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    stamp.write_text(uid)


def names(pod: Object) -> Iterator[str]:
    """The claims that a pod mounts."""
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            yield str(claim["claimName"])


def sweep(root: Path, suspects: Iterable[Key], claims: Container[Key], pods: Iterable[Object]) -> list[Path]:
    """Takes away the folders below `root` of those suspects that are no claims any more, once no pod mounts them.

    Returns what is left to be removed, which may take long. It does not do so itself: between looking and renaming
    nobody may make the claim anew. Only what was seen to be deleted is suspect: an API server that has lost its store
    knows of no claim, and that is no reason to lose the data, too.
    """
    mounted = {(pod["metadata"]["namespace"], name) for pod in pods for name in names(pod)}
    for key in suspects:
        if key not in claims and key not in mounted:
            _take_away(root.joinpath(*key))
    return list(root.glob("*/.*.gone"))


def remove(gone: Iterable[Path]) -> None:
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)


def _stamp(place: Path) -> Path:
    return place.with_name(f".{place.name}.uid")


def _take_away(place: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        place.rename(place.with_name(f".{place.name}.{os.urandom(4).hex()}.gone"))
    _stamp(place).unlink(missing_ok=True)
