"""What a program may do to this machine, for good: Landlock, no new privileges, few capabilities, another user.

Landlock (https://docs.kernel.org/userspace-api/landlock.html) can only allow: what no rule names is refused, and so are
mounts, and looking into processes outside. Applied right before the program's exec, once its mounts stand.
Standard library only; raises OSError where the kernel refuses.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from kgents.embedded.runtime.launcher import kernel
else:
    import kernel

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_PATH_BENEATH = 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_CHAR, _MAKE_BLOCK, _TRUNCATE, _IOCTL_DEV = 1 << 6, 1 << 11, 1 << 14, 1 << 15
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many of the file rights a version knows: each is one bit."""
_SCOPED_SINCE = 6
_SCOPE_SOCKETS, _SCOPE_SIGNALS = 1, 2
_PR_SET_NO_NEW_PRIVS, _PR_CAPBSET_READ, _PR_CAPBSET_DROP = 38, 23, 24
_CANNOT_OPEN = (errno.ENOENT, errno.ELOOP, errno.EACCES, errno.ENOTDIR)


def confine(isolation: dict[str, Any], *, scope_signals: bool = True) -> None:
    """Give up for good what `isolation` does not leave. The next exec runs with what is left."""
    kernel.prctl("no_new_privs", _PR_SET_NO_NEW_PRIVS, 1)
    if isolation["landlock"]:
        _restrict(isolation, scope_signals)
    if os.geteuid() == 0:
        _drop(frozenset(isolation["capabilities"]))
        if user := isolation["user"]:
            os.setgroups(user["groups"])
            os.setresgid(user["gid"], user["gid"], user["gid"])
            os.setresuid(user["uid"], user["uid"], user["uid"])


def _drop(kept: frozenset[int]) -> None:
    """Out of the bounding set: an exec of root gets what is in there."""
    number = 0
    while kernel.libc.prctl(_PR_CAPBSET_READ, ctypes.c_ulong(number), 0, 0, 0) >= 0:
        if number not in kept:
            kernel.prctl(f"capability {number}", _PR_CAPBSET_DROP, number)
        number += 1


def _restrict(isolation: dict[str, Any], scope_signals: bool) -> None:
    abi = kernel.landlock()
    handled = (1 << _RIGHTS_BY_ABI.get(abi, 16)) - 1
    scoped = (_SCOPE_SOCKETS | (_SCOPE_SIGNALS if scope_signals else 0)) if abi >= _SCOPED_SINCE else 0
    # Fields that an older kernel does not know may be there as long as they are zero.
    wanted = (ctypes.c_uint64 * 3)(handled, 0, scoped)
    rules = kernel.syscall("Landlock", _CREATE_RULESET, ctypes.byref(wanted), ctypes.sizeof(wanted), 0)
    read = _EXECUTE | _READ_FILE | _READ_DIR
    write = handled & ~(_MAKE_CHAR | _MAKE_BLOCK)
    if isolation["spaces"]:
        # All of this was made for this program alone (`view`).
        _allow(rules, ["/"], _READ_DIR)
        _allow(rules, ["/dev"] if isolation["readOnlyRoot"] else ["/dev", "/tmp", "/var/tmp"], write)
    _allow(rules, isolation["list"], _READ_DIR)
    _allow(rules, isolation["read"], read)
    _allow(rules, isolation["write"], write)
    kernel.syscall("Landlock", _RESTRICT_SELF, rules, 0)
    os.close(rules)


def _allow(rules: int, paths: Iterable[str], rights: int) -> None:
    """Rules for all that is at and below `paths`. One that vanished, or became a link, is not allowed."""
    for path in paths:
        try:
            fd = kernel.open_straight(path)
        except OSError as error:
            if error.errno in _CANNOT_OPEN:
                continue
            raise
        given = rights if stat.S_ISDIR(os.fstat(fd).st_mode) else rights & _FOR_FILES
        rule = bytes(_PathBeneath(given, fd))
        if given:
            kernel.syscall(path, _ADD_RULE, rules, _PATH_BENEATH, rule, 0)
        os.close(fd)


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))
