"""What a hive leaves outside its own folder: what is remembered of it, its journal, and its Cortex's files.

Their names are made from the context and a hash of context and server, so that they are found for a hive whose
own file cannot be read any more, too.
"""

from __future__ import annotations

import re
import shutil

from kgents.infra.home import home

_HASH = re.compile(r"[0-9a-f]{6}")


def remove(context: str) -> None:
    """Removes them all. Nothing happens where there is nothing. Raises OSError when the home cannot be written."""
    hashes = set()
    for kind in ("ghost", "witness"):
        for folder in (home() / kind).glob(f"{context}-*"):
            digest = folder.name.removeprefix(f"{context}-")
            if _HASH.fullmatch(digest):  # else it belongs to a hive whose name goes on
                hashes.add(digest)
                shutil.rmtree(folder)
    for digest in hashes:
        for path in (home() / "run").glob(f"{digest}??????.*"):
            path.unlink(missing_ok=True)
