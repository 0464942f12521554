"""Which files a program may use: what it needs to run, what its pod gives it, and nothing that is kept from pods.

A plan names real paths, links and all resolved. Whoever acts on it follows no link on the way (`kernel.open_straight`),
so that nobody can put one in the place of what was looked at here.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix", "/gnu", "/snap", "/sys"),
    *("/proc", "/var/lib/ca-certificates", "/var/cache/fontconfig"),
    *("/run/systemd/resolve", "/run/resolvconf", "/run/nscd", "/run/current-system", "/run/opengl-driver"),
)
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACCELERATORS = ("nvidia*", "dri", "kfd", "accel")
_NOT_TO_WRITE = (
    *("/", "/usr", "/usr/bin", "/usr/lib", "/usr/local", "/bin", "/sbin", "/lib", "/lib64", "/opt", "/home", "/tmp"),
    *("/var", "/var/lib", "/var/tmp"),
)
_NOT_TO_WRITE_BELOW = ("/etc", "/boot", "/dev", "/proc", "/sys", "/run")
_PARTS_OF_TOOLS = (
    *("bin", "sbin", "shims", "lib", "lib64", "libexec", "include", "share", "versions", "version", "plugins"),
    *("installs", "tools", "opt", "Cellar", "toolchains"),
)
_PARTS_OF_LOCAL = ("bin", "lib", "pipx", "share/uv", "share/pipx", "share/mise")
_PATH_LISTS = ("PYTHONPATH", "NODE_PATH", "LD_LIBRARY_PATH")
_MOST_LINKS = 40


@dataclass(slots=True)
class Plan:
    """Paths by what may be done with all that is below them: `listed` are only listed. Links are shown as they are.

    `kept` is what no plan may open; a folder around it is opened entry by entry.
    """

    kept: Sequence[str]
    home: str
    read: dict[str, None] = field(default_factory=dict)
    write: dict[str, None] = field(default_factory=dict)
    listed: dict[str, None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    def is_kept(self, path: str) -> bool:
        return any(_within(path, one) for one in self.kept)

    def allow(self, path: str, *, write: bool = False) -> bool:
        """Opens a real path, or what of it is not kept. False when it holds something that is."""
        if self.is_kept(path):
            return False
        if not any(_within(one, path) for one in self.kept):
            (self.write if write else self.read)[path] = None
            return True
        self.listed[path] = None
        for entry in _entries(path):
            self.allow(entry, write=write)
        return False

    def system(self) -> None:
        """What every program needs: the folders of the system, and names and addresses of other machines."""
        for path in (*SYSTEM, "/etc/resolv.conf", "/etc/localtime", "/var/run", "/var/lock"):
            real = self.trace(path)
            if path.startswith("/var/") and path not in SYSTEM:
                continue  # mere links
            if os.path.exists(real) and not self._is_open(real):
                self.allow(real)
        found = [f"/dev/{name}" for name in DEVICES]
        found += [str(path) for pattern in ACCELERATORS for path in Path("/dev").glob(pattern)]
        self.write |= dict.fromkeys(found)

    def working_dir(self, path: str) -> bool:
        """Opens a working directory for writing. False when not all of it is open."""
        real = self.trace(path)
        if os.path.isdir(real):
            self.folders.append(real)
        if real in _NOT_TO_WRITE or any(_within(real, top) for top in _NOT_TO_WRITE_BELOW) or not os.path.exists(real):
            return True
        return self.allow(real, write=True)

    def tools(self, env: Mapping[str, str]) -> None:
        """What stands on the PATH, with its libraries, and folders that interpreters are told to look into."""
        for entry in _absolute(env.get("PATH", "").split(os.pathsep)):
            self._tool_folder(self.trace(entry))
        for name in _PATH_LISTS:
            for entry in _absolute(env.get(name, "").split(os.pathsep)):
                self._folder_of_files(self.trace(entry))

    def prefix(self, path: str) -> None:
        """An interpreter's own folder."""
        self._tool_folder(f"{self.trace(path)}/bin")

    def command(self, argv: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        """The program, the interpreter that it names, and the folders of files that the command line names."""
        if not argv:
            return
        self._program(argv[0], env, cwd, depth=0)
        for word in _absolute(argv[1:]):
            real = self.trace(word)
            if os.path.isdir(real):
                self._folder_of_files(real)
            elif os.path.isfile(real):
                self._folder_of(real)

    def trace(self, path: str) -> str:
        """The real path, the links on the way to it noted. One that leads in circles is left as it is."""
        left, real, hops = path.split("/")[::-1], "", 0
        while left:
            part = left.pop()
            if part in ("", "."):
                continue
            if part == "..":
                real = real.rpartition("/")[0]
                continue
            here = f"{real}/{part}"
            try:
                target = os.readlink(here)
            except OSError:  # no link, or nothing that we may look at
                real = here
                continue
            hops += 1
            if hops > _MOST_LINKS:
                return here
            self.links[here] = target
            real = "" if target.startswith("/") else real
            left += target.split("/")[::-1]
        return real or "/"

    def _program(self, name: str, env: Mapping[str, str], cwd: str, depth: int) -> None:
        found = os.path.join(cwd, name) if "/" in name else shutil.which(name, path=env.get("PATH", os.defpath))
        if found is None or depth > 3:
            return
        self._tool_folder(self.trace(os.path.dirname(found)))
        real = self.trace(found)
        if not os.path.isfile(real):
            return
        self._tool_folder(os.path.dirname(real), real)
        for word in _shebang(real):
            self._program(word, env, cwd, depth + 1)

    def _tool_folder(self, folder: str, program: str = "") -> None:
        """A folder of programs, and beside it what they need: libraries, versions. Of a Python, all of it."""
        above, name = os.path.split(folder)
        if self._is_open(folder):
            return
        if above == f"{self.home}/.local":
            self._parts(above, _PARTS_OF_LOCAL)
        elif name not in ("bin", "sbin", "shims") or above in (self.home, "/"):
            self._folder_of(program or f"{folder}/*")
        elif _is_python(above):
            self.allow(above)
            for base in _base_of(above):
                self._tool_folder(self.trace(base))
        else:
            self._parts(above, _PARTS_OF_TOOLS)

    def _parts(self, above: str, names: Iterable[str]) -> None:
        for name in names:
            if os.path.exists(f"{above}/{name}"):
                self.allow(self.trace(f"{above}/{name}"))

    def _folder_of(self, file: str) -> None:
        """What lies beside a program; not all of a home, nor of what everybody uses."""
        folder = os.path.dirname(file)
        if folder not in (self.home, *_NOT_TO_WRITE):
            self._folder_of_files(folder)
        elif os.path.isfile(file) and not self._is_open(file):
            self.allow(file)

    def _folder_of_files(self, path: str) -> None:
        if path not in _NOT_TO_WRITE and os.path.exists(path) and not self._is_open(path):
            self.allow(path)

    def _is_open(self, path: str) -> bool:
        return any(_within(path, one) for opened in (self.read, self.write) for one in opened)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _entries(folder: str) -> Iterator[str]:
    """What lies in a folder. Links are nothing by themselves: what they lead to is open or it is not."""
    try:
        with os.scandir(folder) as found:
            yield from [entry.path for entry in found if not entry.is_symlink()]
    except OSError:
        return  # Gone, or not ours to look into: then it stays closed.


def _absolute(words: Iterable[str]) -> Iterator[str]:
    return (word for word in words if word.startswith("/") and "\0" not in word)


def _is_python(prefix: str) -> bool:
    if os.path.exists(f"{prefix}/pyvenv.cfg") or os.path.exists(f"{prefix}/conda-meta"):
        return True
    return any(Path(prefix).glob("lib/python3*"))


def _base_of(prefix: str) -> list[str]:
    """The folder of the Python that a virtual environment was made from."""
    try:
        lines = Path(prefix, "pyvenv.cfg").read_text(errors="replace").splitlines()
    except OSError:
        return []
    pairs = (line.partition("=") for line in lines)
    return [value.strip() for key, _, value in pairs if key.strip() == "home" and value.strip().startswith("/")]


def _shebang(file: str) -> list[str]:
    """The interpreter that a script names; with env, what that looks for."""
    try:
        with open(file, "rb") as script:
            first = script.readline(256)
    except OSError:
        return []
    words = [os.fsdecode(word) for word in first[2:].split()] if first.startswith(b"#!") else []
    if words and os.path.basename(words[0]) == "env":
        return [words[0], *[word for word in words[1:] if not word.startswith("-") and "=" not in word][:1]]
    return words[:1]
