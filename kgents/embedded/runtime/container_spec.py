"""What a container's launcher is told: the command line, environment, mounts, and the bounds of what it may reach."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kgents.embedded.runtime import environment, volumes
from kgents.embedded.runtime.isolation import Fence
from kgents.embedded.runtime.sources import Sources

Object = Mapping[str, Any]


def make(
    pod: Object,
    container: Object,
    folder: Path,
    places: Mapping[str, Path],
    *,
    sources: Sources,
    server: tuple[str, int],
    fence: Fence,
    mounts: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The spec.json of a container of the pod in `folder`. `places` are its volumes, `mounts` are further ones.

    Raises Missing and Unsupported.
    """
    namespace, folder = pod["metadata"]["namespace"], folder.resolve()
    home, staging, root = folder / "home", folder / "staging", folder / "roots" / container["name"]
    for path in (home, home / "tmp", staging):
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    given = environment.base(str(home), server)
    if pod["spec"].get("enableServiceLinks", True):
        given |= environment.of_services(sources.services_of(namespace))
    lookup = partial(sources.words, namespace)
    env = environment.of_container(pod, container, {**given, "KGENTS_POD_ROOT": str(root)}, lookup)
    files = {one["name"] for one in pod["spec"].get("volumes") or [] if volumes.projected_sources(one)}
    more = [{**one, "source": str(Path(one["source"]).resolve())} for one in mounts]
    mounts = [*volumes.mounts(container, places, env, files), *more]
    volumes.show(root, mounts)
    spec = {
        "argv": environment.command_line(container, env),
        "env": env,
        "cwd": container.get("workingDir") or str(home),
        "mounts": mounts,
        "staging": str(staging),
    }
    isolation = fence.around(pod, container, spec, {str(home): True, str(root): False})
    if user := isolation["user"]:
        for path in (home, home / "tmp"):
            os.chown(path, user["uid"], user["gid"], follow_symlinks=False)
    return {**spec, "isolation": isolation}
