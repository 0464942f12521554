"""All volumes of one pod on this machine, their files brought up to date."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from kgents.api.errors import KgentsError
from kgents.embedded.runtime import volumes
from kgents.embedded.runtime.claims import belongs
from kgents.embedded.runtime.environment import Missing
from kgents.embedded.runtime.sources import Sources

Object = Mapping[str, Any]


class Tell(Protocol):
    """Writes an Event about the pod."""

    async def __call__(self, pod: Object, reason: str, message: str, *, warning: bool = False) -> None: ...


async def lay_all(sources: Sources, claims: Path, folder: Path, pod: Object, tell: Tell) -> dict[str, Path]:
    """Every volume's folder by its name. Raises Missing and Unsupported; what runs keeps the files that it has."""
    places = {}
    namespace = pod["metadata"]["namespace"]
    content = partial(sources.content, namespace)
    for volume in pod["spec"].get("volumes") or []:
        place = volumes.place(volume, folder, claims, namespace)
        if "persistentVolumeClaim" in volume:
            _claimed(sources, place, folder, namespace, str(volume["persistentVolumeClaim"]["claimName"]))
        place.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Whichever user a container runs as: the pod's folder above is closed to all but the hive.
        place.chmod(0o755 if volumes.projected_sources(volume) else 0o777)
        if volumes.projected_sources(volume):
            try:
                tokens = await sources.tokens(pod, volume)
                volumes.lay(place, volumes.gather(volume, pod, content, tokens))
            except KgentsError as error:
                if not (place / "..data").exists():
                    raise
                await tell(pod, "FailedMount", str(error), warning=True)
        places[volume["name"]] = place
    return places


def _claimed(sources: Sources, place: Path, folder: Path, namespace: str, name: str) -> None:
    """Raises Missing for a claim that is not there, unless the pod runs already: then it keeps what it has."""
    uid = sources.claim(namespace, name)
    if uid is not None:
        belongs(place, uid)
    elif not (folder / "containers").exists():
        raise Missing(f'persistentvolumeclaim "{name}" not found')
