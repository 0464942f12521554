"""A pod's mounts at their own paths, in a mount namespace that only its container sees.

Where a mount point does not exist on the host, the nearest folder above it is overlaid with a small tmpfs that holds
what was there, bound one by one, and the new folder. For the root folder that means a new root.
Standard library only; raises OSError where the kernel refuses.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from typing import Any

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MNT_DETACH = 2
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "ppc64le": 203, "s390x": 217}
OLD_ROOT: list[int] = []
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    arguments = (source.encode(), target.encode(), kind.encode() if kind else None, ctypes.c_ulong(flags))
    _check(_libc.mount(*arguments, data.encode() if data else None), target)


def mount_all(mounts: list[dict[str, Any]], staging: str) -> None:
    """Each {"source", "target", "readOnly"}; `staging` is an empty folder that may be covered."""
    enter_namespace()
    # Opened first: what is mounted later may cover the way to them.
    sources = [os.open(entry["source"], os.O_PATH) for entry in mounts]
    done: list[str] = []
    made: list[str] = []
    for entry, fd in sorted(zip(mounts, sources, strict=True), key=lambda pair: pair[0]["target"].count("/")):
        source = f"/proc/self/fd/{fd}"
        target = os.path.realpath(entry["target"])
        ensure(target, os.path.isdir(source), staging, done, made)
        mount(source, target, flags=MS_BIND | MS_REC)
        if entry.get("readOnly"):
            mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | kept_flags(target))
        done.append(target)
    for fd in sources:
        os.close(fd)
    if OLD_ROOT:
        # The old root lies below the new one. Only now: what is detached cannot be a source of binds any more.
        os.chdir("/")
        _check(_libc.umount2(b".", MNT_DETACH), "old root")


def enter_namespace() -> None:
    """A private mount namespace; without root, inside a user namespace that maps only this user."""
    uid, gid = os.geteuid(), os.getegid()
    # A root that may not (that of many containers) has to ask as everybody else does.
    own_user = uid != 0 or _libc.unshare(CLONE_NEWNS) != 0
    if own_user:
        _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUSER), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
    mount("none", "/", flags=MS_REC | MS_PRIVATE)


def ensure(target: str, folder: bool, staging: str, done: list[str], made: list[str]) -> None:
    """Make sure that `target` exists, as a folder or a file, without touching the host."""
    if os.path.exists(target) and os.path.isdir(target) == folder:
        return
    above = os.path.dirname(target)
    while not os.path.isdir(above):
        above = os.path.dirname(above)
    if not is_ours(above, done, made):
        overlay(above, staging)
        made.append(above)
    if folder:
        os.makedirs(target, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))


def is_ours(path: str, done: list[str], made: list[str]) -> bool:
    """Whether a new entry in `path` stays inside the pod: in a volume, or in a folder that an overlay made."""
    if path in made or any(path == volume or path.startswith(volume + "/") for volume in done):
        return True
    return any(os.stat(path).st_dev == os.stat(top).st_dev for top in made)


def overlay(path: str, staging: str) -> None:
    """Cover `path` with a tmpfs that shows the same children."""
    original = os.open(path, os.O_PATH | os.O_DIRECTORY)
    top = staging if path == "/" else path
    mode = os.stat(path).st_mode & 0o7777
    if path == "/":
        # Bound onto itself first: a root must be a mount that this namespace owns.
        mount(top, top, flags=MS_BIND)
    mount("tmpfs", top, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode:o},size=64m")
    base = f"/proc/self/fd/{original}"
    for name in os.listdir(base):
        show(f"{base}/{name}", f"{top}/{name}")
    if path == "/":
        new_root(top)
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
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
        mount(source, target, flags=MS_BIND | MS_REC)
    except FileNotFoundError:
        return


def new_root(top: str) -> None:
    """Make `top` the root of this namespace and let go of the old one."""
    number = PIVOT_ROOT.get(os.uname().machine)
    os.chdir(top)
    if number is not None and _libc.syscall(number, b".", b".") == 0:
        # After pivot_root(".", ".") the old root is stacked on the new one.
        OLD_ROOT.append(os.open("/", os.O_PATH))
    else:
        os.chroot(".")
    os.chdir("/")


def kept_flags(path: str) -> int:
    """Flags that a remount must repeat: the kernel lets nobody drop them inside a user namespace."""
    flags = os.statvfs(path).f_flag
    return flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC)
