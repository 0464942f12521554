"""A pod's volumes at their own paths, in the root that only its container sees (`view`).

Where a mount point is missing in a folder of the host, that folder is overlaid with a small tmpfs that holds what was
there, bound one by one, and the new entry. Standard library only; raises OSError where the kernel refuses.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from typing import Any

    from kgents.embedded.runtime.launcher import kernel
else:
    import kernel


class Volumes:
    """Mounts of {"source", "target", "readOnly"}. Made before the root changes, `mount_all` is called after."""

    def __init__(self, mounts: list[dict[str, Any]]) -> None:
        # Opened first: the new root does not hold the way to them. No link may have taken their place meanwhile.
        self._wanted = [(entry, kernel.open_straight(entry["source"])) for entry in mounts]
        self._done: list[str] = []
        self._made: list[str] = ["/"]

    def mount_all(self) -> None:
        for entry, fd in sorted(self._wanted, key=lambda pair: pair[0]["target"].count("/")):
            target = os.path.realpath(entry["target"])
            self._ensure(target, os.path.isdir(f"/proc/self/fd/{fd}"))
            kernel.bind(fd, target)
            os.close(fd)
            if entry.get("readOnly"):
                kernel.mount(
                    "none", target, flags=kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kept_flags(target)
                )
            self._done.append(target)

    def _ensure(self, target: str, folder: bool) -> None:
        """Make sure that `target` exists, as a folder or a file, without touching the host."""
        if os.path.exists(target) and os.path.isdir(target) == folder:
            return
        above = os.path.dirname(target)
        while not os.path.isdir(above):
            above = os.path.dirname(above)
        if not self._is_ours(above):
            overlay(above)
            self._made.append(above)
        if folder:
            os.makedirs(target, exist_ok=True)
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))

    def _is_ours(self, path: str) -> bool:
        """Whether a new entry in `path` stays inside the pod: in a volume, or in a folder that was made for it."""
        if any(path == volume or path.startswith(volume + "/") for volume in self._done):
            return True
        return any(os.stat(path).st_dev == os.stat(top).st_dev for top in self._made)


def overlay(path: str) -> None:
    """Cover `path` with a tmpfs that shows the same children."""
    original = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    mode = os.stat(path).st_mode & 0o7777
    kernel.mount("tmpfs", path, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, f"mode={mode:o},size=64m")
    base = f"/proc/self/fd/{original}"
    for name in os.listdir(base):
        show(f"{base}/{name}", f"{path}/{name}")
    os.close(original)


def show(source: str, target: str) -> None:
    """The same entry at another place. One that vanished meanwhile is left out."""
    try:
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
            return
        if os.path.isdir(source):
            os.mkdir(target)
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))
        kernel.mount(source, target, flags=kernel.MS_BIND | kernel.MS_REC)
    except FileNotFoundError:
        return


def kept_flags(path: str) -> int:
    """Flags that a remount must repeat: the kernel lets nobody drop them inside a user namespace."""
    flags = os.statvfs(path).f_flag
    return flags & (kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
