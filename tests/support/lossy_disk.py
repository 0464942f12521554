"""A disk that loses, at a power cut, everything that was not synced: a SQLite VFS that notes what each sync covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw

NAME = "lossy"


class LossyDisk(apsw.VFS):
    """Writes go through as ever; `synced` holds each file as it was at its last sync."""

    def __init__(self) -> None:
        self.synced: dict[str, bytes] = {}
        super().__init__(NAME, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return LossyFile(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.synced.pop(filename, None)

    def power_cut(self, directory: Path) -> None:
        """Puts into another directory what a reader would find after the cut."""
        directory.mkdir(parents=True)
        for path, content in dict(self.synced).items():
            (directory / Path(path).name).write_bytes(content)


class LossyFile(apsw.VFSFile):
    """One file of the disk."""

    def __init__(self, disk: LossyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        super().__init__("", name, flags)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._disk.synced[self._path] = Path(self._path).read_bytes()


class Connection:
    """A connection over the lossy disk, as the store wants one; `synchronous` overrules what the store asks for."""

    def __init__(self, path: str, synchronous: str = "") -> None:
        self._db = apsw.Connection(path, vfs=NAME)
        self._synchronous = synchronous

    def execute(self, sql: str, parameters: Any = ()) -> Any:
        if self._synchronous and sql.startswith("PRAGMA synchronous="):
            sql = f"PRAGMA synchronous={self._synchronous}"
        return self._db.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any) -> Any:
        return self._db.executemany(sql, parameters)

    def close(self) -> None:
        self._db.close()
