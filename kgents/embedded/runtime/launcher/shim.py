"""Keeps one container: its log, its exit code, its end. Outlives the runtime, which finds everything in the folder.

    python -I -S shim.py DIR

DIR/spec.json: {"argv", "env", "cwd", "mounts", "staging", "isolation", "logLimit"}. It writes DIR/state.json once the
program runs, DIR/log in the format of the container runtime interface, and at the end DIR/exit.json. While it lives it
holds a lock on DIR/lock; an exit.json that is there before it starts means that it must not start.

Where isolation has `spaces`, it is the first process of a namespace of processes, which ends with it, and numbers mean
something else there: what is written to files are the numbers that everybody else sees.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # typing itself costs a megabyte
if TYPE_CHECKING:
    from typing import Any

    from kgents.embedded.runtime.launcher import kernel
elif __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import kernel

LONGEST_LINE = 16 * 1024
MOUNTS_REFUSED = 125
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def stat(pid: int) -> list[str]:
    """What /proc says of a process, from its state on. Raises OSError when there is none."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()


def start_time(pid: int) -> str:
    """Clock ticks since boot: with the pid, the identity of a process."""
    return stat(pid)[19]


def write_json(path: str, data: object) -> None:
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    os.rename(path + ".new", path)


class Child:
    """A program: its number for us and for others, and where its output comes from."""

    def __init__(self, pid: int, seen: int, out: int, err: int) -> None:
        self.pid, self.seen, self.out, self.err = pid, seen, out, err


class Log:
    """Lines of one program in `<time> <stream> <F|P> <line>`; one older file is kept. A full disk loses lines only."""

    def __init__(self, path: str, limit: int) -> None:
        self.path, self.limit = path, limit
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = os.fstat(self.fd).st_size
        self.rest = {"stdout": b"", "stderr": b""}

    def feed(self, stream: str, data: bytes) -> None:
        lines = (self.rest[stream] + data).split(b"\n")
        self.rest[stream] = lines.pop()
        out = [self._line(stream, b"F", line) for line in lines]
        while len(self.rest[stream]) >= LONGEST_LINE:
            out.append(self._line(stream, b"P", self.rest[stream][:LONGEST_LINE]))
            self.rest[stream] = self.rest[stream][LONGEST_LINE:]
        self._write(b"".join(out))

    def finish(self) -> None:
        for stream, rest in self.rest.items():
            if rest:
                self._write(self._line(stream, b"F", rest))

    def _line(self, stream: str, tag: bytes, line: bytes) -> bytes:
        now = time.time_ns()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now // 10**9)) + f".{now % 10**9:09d}Z"
        pieces = [line[i : i + LONGEST_LINE] for i in range(0, len(line), LONGEST_LINE)] or [b""]
        tags = [b"P"] * (len(pieces) - 1) + [tag]
        head = f"{stamp} {stream} ".encode()
        return b"".join(head + mark + b" " + piece + b"\n" for mark, piece in zip(tags, pieces, strict=True))

    def _write(self, data: bytes) -> None:
        if not data:
            return
        try:
            if self.size + len(data) > self.limit and self.size:
                self._rotate()
            self.size += os.write(self.fd, data)
        except OSError as error:
            # ENOENT: the pod's folder is being removed; its program must still be ended in order.
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENOENT):
                raise

    def _rotate(self) -> None:
        os.rename(self.path, self.path + ".1")
        os.close(self.fd)
        self.fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.size = 0


def become(spec: dict[str, Any], mounts: list[dict[str, Any]], say: int) -> None:
    """In the child: its own session, view and mounts, then the program. Returns only through an exit."""
    isolation = spec["isolation"]
    step = "start"
    try:
        os.setsid()
        os.write(say, f"{seen_by_others()}\n".encode())
        step = "isolation"
        # Only here, in the child: what the keeper does not load it does not hold in memory.
        import confining  # type: ignore[import-not-found]

        if isolation["spaces"]:
            import mounting  # type: ignore[import-not-found]
            import view  # type: ignore[import-not-found]

            seen = view.View(isolation, {"/tmp": spec["tmp"], "/var/tmp": spec["tmp"]}, spec["staging"])
            step = "mount"
            volumes = mounting.Volumes(mounts)
            step = "isolation"
            seen.build()
            step = "mount"
            volumes.mount_all()
            step = "isolation"
            seen.finish()
        confining.confine(isolation)
        kernel.prctl("death signal", _PR_SET_PDEATHSIG, signal.SIGKILL)  # last: a change of the user takes it away
        step = "workingDir"
        os.chdir(spec["cwd"])
        step = "command"
        os.execvpe(spec["argv"][0], spec["argv"], spec["env"])
    except OSError as error:
        os.write(say, json.dumps(explain(step, spec, error)).encode())
    except ValueError as error:
        os.write(say, json.dumps(["start", f"command or environment cannot be passed on: {error}"]).encode())
    finally:
        os._exit(MOUNTS_REFUSED)


def explain(step: str, spec: dict[str, Any], error: OSError) -> list[str]:
    """[step, message] in words of the pod. A program that is there and cannot be run is the step `permission`."""
    name = spec["argv"][0]
    if step == "workingDir":
        return [step, f"workingDir {spec['cwd']}: {error.strerror}"]
    if step != "command":
        return [step, f"{error.strerror}: {error.filename or name}"]
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        return ["permission", f"command “{name}” cannot be run: {error.strerror}"]
    if "/" not in name:
        return [step, f"command “{name}” is not found in PATH"]
    if os.path.exists(name):
        return [step, f"the interpreter that “{name}” names is not found"]
    return [step, f"command “{name}” is not found"]


def seen_by_others() -> int:
    """Our number in the namespace of the machine's /proc."""
    return int(os.readlink("/proc/self"))


def launch(spec: dict[str, Any], mounts: list[dict[str, Any]]) -> tuple[Child, list[str]]:
    """The child, and what is in its way: [] once the program runs, else [step, message]."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    say_read, say_write = os.pipe()  # closed on exec: end of file means that the program runs
    pid = os.fork()
    if pid == 0:
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (out_write, 1), (err_write, 2)):
            os.dup2(source, target)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        become(spec, mounts, say_write)
    for fd in (out_write, err_write, say_write):
        os.close(fd)
    with open(say_read, "rb") as said:
        seen, _, trouble = said.read().partition(b"\n")
    return Child(pid, int(seen or pid), out_read, err_read), json.loads(trouble) if trouble else []


def descendants(me: int, session: int) -> list[int]:
    """What the program left behind: orphans come to us, for we are the subreaper."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            fields = stat(int(name))
        except OSError:
            continue  # It ended between the two looks.
        if fields[0] != "Z" and (int(fields[1]) == me or int(fields[3]) == session):
            found.append(int(name))
    return found


def end_family(session: int) -> None:
    """SIGKILL for all that is left. Each round may bring up orphans of the last one."""
    if os.getpid() == 1:  # all that is in our namespace
        try:
            os.kill(-1, signal.SIGKILL)
            while True:
                os.waitpid(-1, 0)
        except (ProcessLookupError, ChildProcessError):
            return
    while left := [pid for pid in descendants(os.getpid(), session) if pid != os.getpid()]:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        for pid in left:
            try:
                os.waitpid(pid, 0)
            except ChildProcessError:
                continue


def reap(main: int) -> int | None:
    """Collect children that ended; the wait status of `main` when it is among them."""
    status = None
    while True:
        try:
            pid, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid == 0:
            return status
        if pid == main:
            status = code


def keep(child: Child, log: Log, wake: int) -> int:
    """Carry output to the log until `child` ends and its output is drained. Returns the wait status."""
    pid, streams = child.pid, {child.out: "stdout", child.err: "stderr"}
    for fd in streams:
        os.set_blocking(fd, False)
    status = reap(pid)
    poll = select.poll()
    for fd in (*streams, wake):
        poll.register(fd, select.POLLIN)
    while status is None:
        for fd, _ in poll.poll():
            if fd == wake:
                os.read(wake, 4096)
                status = reap(pid)
            elif not pump(fd, streams[fd], log):
                poll.unregister(fd)
    end_family(pid)
    for fd, name in streams.items():
        while pump(fd, name, log, blocked=False):
            pass
    log.finish()
    return status


def pump(fd: int, name: str, log: Log, blocked: bool = True) -> bool:
    """One read into the log. False at the end of the stream; `blocked` is the answer when nothing is there now."""
    try:
        data = os.read(fd, 65536)
    except BlockingIOError:
        return blocked
    log.feed(name, data)
    return bool(data)


def detach(spaces: bool) -> None:
    """Leave the runtime's process tree, so that nobody has to wait for us."""
    if spaces:
        kernel.unshare(kernel.CLONE_NEWPID | kernel.CLONE_NEWIPC)
    if os.fork():
        os._exit(0)
    os.setsid()


def listen() -> int:
    """Be woken by the end of children, and by nothing else. Returns what becomes readable then."""
    wake_read, wake_write = os.pipe()
    for fd in (wake_read, wake_write):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    return wake_read


def main(folder: str) -> None:
    with open(folder + "/spec.json", encoding="utf-8") as file:
        spec = json.load(file)
    try:
        detach(spec["isolation"]["spaces"])
    except OSError as error:
        refusal = ["isolation", f"{error.strerror}: {error.filename}"]
        now = time.time()
        end: dict[str, object] = {"exitCode": 128, "signal": 0, "trouble": refusal, "startedAt": now, "finishedAt": now}
        write_json(folder + "/exit.json", end)
        return
    lock = os.open(folder + "/lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    if os.path.exists(folder + "/exit.json"):
        return
    kernel.prctl("subreaper", _PR_SET_CHILD_SUBREAPER, 1)
    wake = listen()
    log = Log(folder + "/log", spec["logLimit"])
    spec["tmp"] = folder + "/tmp"
    os.makedirs(spec["tmp"], exist_ok=True)
    os.chmod(spec["tmp"], 0o1777)  # whatever our umask is
    child, trouble = launch(spec, spec["mounts"])
    refused = "" if spec["isolation"]["spaces"] or not spec["mounts"] else spec["isolation"]["why"]
    if trouble and trouble[0] == "mount":
        refused = trouble[1]
        os.waitpid(child.pid, 0)
        child, trouble = launch(spec, [])
    started = time.time()
    me = seen_by_others()
    if not trouble:
        state = {"shim": me, "shimStart": start_time(me), "pid": child.seen, "pidStart": start_time(child.seen)}
        said = {key: spec["isolation"][key] for key in ("notes", "unmet")}
        write_json(folder + "/state.json", {**state, **said, "startedAt": started, "mountsRefused": refused})
    status = keep(child, log, wake)
    code = os.waitstatus_to_exitcode(status)
    end = {"exitCode": code if code >= 0 else 128 - code, "signal": max(0, -code)}
    if trouble:
        codes = {"command": 127, "permission": 126}
        end = {"exitCode": codes.get(trouble[0], 128), "signal": 0, "trouble": trouble}
    write_json(folder + "/exit.json", {**end, "startedAt": started, "finishedAt": time.time()})


if __name__ == "__main__":
    main(sys.argv[1])
