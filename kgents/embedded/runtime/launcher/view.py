"""What a program sees of this machine: a root of its own that holds only what it may use, and processes of its own.

What is not there cannot be asked for: sockets of other programs, terminals, files whose names alone tell something.
Landlock (`confining`) keeps the program from mounting anything back. Standard library only; raises OSError.
"""

from __future__ import annotations

import errno
import os
import stat

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from typing import Any

    from kgents.embedded.runtime.launcher import kernel
else:
    import kernel

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
_MNT_DETACH = 2
_MADE_HERE = ("/", "/proc")
_FROM_PROC = {"fd": "fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_GONE = (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.EACCES)


class View:
    """A new root, in steps: `build` it, mount more into it, `finish` it. Made, it leaves the machine's mounts.

    `elsewhere`: folders to be shown at other places, by place.
    """

    def __init__(self, isolation: dict[str, Any], elsewhere: dict[str, str], staging: str) -> None:
        self._isolation, self._elsewhere, self._top = isolation, elsewhere, staging
        # Before all else, or all that follows would happen to the whole machine.
        kernel.unshare(kernel.CLONE_NEWNS)
        kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)

    def build(self) -> None:
        """Makes the root and enters it. What was there before can still be a source of mounts until `finish`."""
        inside = self._isolation["own"]
        wanted = [path for kind in ("list", "read", "write") for path in self._isolation[kind] if path not in inside]
        common = self._open({path: path for path in wanted} | self._elsewhere)
        own = self._open({path: path for path in inside})
        kernel.mount("tmpfs", self._top, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=16m")
        self._links({"/" + entry.name: os.readlink(entry.path) for entry in os.scandir("/") if entry.is_symlink()})
        self._show(common)
        self._links(self._isolation["links"])
        for path in self._isolation["folders"]:
            os.makedirs(self._top + path, exist_ok=True)
        self._cover()
        self._show(own)
        self._devices()
        os.makedirs(self._top + "/proc", exist_ok=True)
        kernel.mount("proc", self._top + "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC)
        self._enter()

    def finish(self) -> None:
        """Lets go of the old root for good. Only now: what is detached cannot be a source of binds any more."""
        # The old root is stacked on the new one.
        os.chdir("/")
        kernel.check(kernel.libc.umount2(b".", _MNT_DETACH), "old root")

    def _open(self, wanted: dict[str, str]) -> dict[str, int]:
        found = {}
        for target, source in wanted.items():
            if target in _MADE_HERE:
                continue
            try:
                found[target] = kernel.open_straight(source)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
        return found

    def _show(self, sources: dict[str, int]) -> None:
        for path in sorted(sources):  # what lies above comes first
            self._show_one(self._top + path, sources[path])
            os.close(sources[path])

    def _show_one(self, target: str, source: int) -> None:
        what = os.fstat(source)
        if os.path.exists(target):
            there = os.stat(target)
            if (there.st_dev, there.st_ino) == (what.st_dev, what.st_ino):
                return
        elif stat.S_ISDIR(what.st_mode):
            os.makedirs(target, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))
        kernel.bind(source, target)

    def _cover(self) -> None:
        """Nothing at all in the place of what must not be seen."""
        for path in self._isolation["hidden"]:
            target = self._top + path
            if os.path.islink(target):
                continue
            if os.path.isdir(target):
                kernel.mount("tmpfs", target, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=755,size=1m")
            elif os.path.isfile(target):
                kernel.mount("/dev/null", target, flags=kernel.MS_BIND)

    def _links(self, links: dict[str, str]) -> None:
        for path, target in links.items():
            if not os.path.lexists(self._top + path):
                os.makedirs(os.path.dirname(self._top + path), exist_ok=True)
                os.symlink(target, self._top + path)

    def _devices(self) -> None:
        """Terminals and shared memory of our own, beside the few devices that were bound."""
        devices = self._top + "/dev"
        for name in ("pts", "shm"):
            os.makedirs(f"{devices}/{name}", exist_ok=True)
        kernel.mount(
            "devpts",
            devices + "/pts",
            "devpts",
            kernel.MS_NOSUID | kernel.MS_NOEXEC,
            "newinstance,ptmxmode=0666,mode=0620",
        )
        kernel.mount("tmpfs", devices + "/shm", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=1777")
        self._links({"/dev/ptmx": "pts/ptmx"})
        self._links({f"/dev/{name}": f"/proc/self/{path}" for name, path in _FROM_PROC.items()})

    def _enter(self) -> None:
        number = _PIVOT_ROOT.get(os.uname().machine)
        if number is None:
            raise OSError(errno.ENOSYS, "this machine's pivot_root is not known", os.uname().machine)
        os.chdir(self._top)
        kernel.syscall("pivot_root", number, b".", b".")
        os.chdir("/")
