"""System calls that Python has no words for. Standard library only; what the kernel refuses is an OSError."""

from __future__ import annotations

import ctypes
import errno
import os

CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x00020000, 0x08000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
_OPENAT2, _AT_FDCWD, _RESOLVE_NO_SYMLINKS = 437, -100, 0x04
_LANDLOCK_CREATE_RULESET, _LANDLOCK_VERSION = 444, 1
libc = ctypes.CDLL(None, use_errno=True)


def check(result: int, what: str) -> int:
    """`result`, or OSError about `what` when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
    return result


def syscall(what: str, number: int, *arguments: object) -> int:
    """Integers go as longs, so that none is cut to 32 bits."""
    return check(libc.syscall(number, *(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments)), what)


def prctl(what: str, *arguments: int) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:5]
    return check(libc.prctl(*(ctypes.c_ulong(argument) for argument in padded)), what)


def unshare(flags: int) -> None:
    """Namespaces of our own; without the right to, inside a user namespace that maps only this user and group."""
    if libc.unshare(flags) == 0:
        return
    # Also for a root that may not: that of many containers.
    uid, gid = os.geteuid(), os.getegid()
    check(libc.unshare(flags | CLONE_NEWUSER), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
            file.write(text)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    arguments = (os.fsencode(source), os.fsencode(target), kind.encode() if kind else None, ctypes.c_ulong(flags))
    check(libc.mount(*arguments, data.encode() if data else None), target)


def bind(fd: int, target: str) -> None:
    """Show what `fd` (O_PATH) stands for at `target` as well, with all that is mounted below it."""
    mount(f"/proc/self/fd/{fd}", target, flags=MS_BIND | MS_REC)


def open_straight(path: str) -> int:
    """`path` (O_PATH), on the way to which no link is followed: whoever resolved it saw the same. ELOOP otherwise."""
    how = (ctypes.c_uint64 * 3)(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_NO_SYMLINKS)
    try:
        return syscall(path, _OPENAT2, _AT_FDCWD, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    except OSError as error:
        # Kernels before 5.6, and sandboxes that have not heard of it.
        if error.errno not in (errno.ENOSYS, errno.EPERM):
            raise
        return os.open(path, os.O_PATH | os.O_NOFOLLOW)


def landlock() -> int:
    """The version of this kernel's Landlock, 0 where there is none (or it may not be used)."""
    try:
        return syscall("Landlock", _LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
            return 0
        raise
