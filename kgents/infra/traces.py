"""What a hive leaves outside its own folder: what is remembered of it, its journal, and its Cortex's files.

Their names are made from the context and a hash of context and server, so that they are found for a hive whose
own file cannot be read any more, too.
"""

from __future__ import annotations

import hashlib
import re
import shutil

from kgents.infra.home import context_key, folder_stem, home

_HASH = re.compile(r"[0-9a-f]{6}")


def remove(context: str, server: str = "") -> None:
    """Removes them all; of that server alone if it is known. Raises OSError when the home cannot be written."""
    stem, only = folder_stem(context), hashlib.sha256(context_key(context, server).encode()).hexdigest()
    hashes = {only[:6]} if server else set()
    for kind in ("ghost", "witness"):
        for folder in (home() / kind).glob(f"{stem}-*"):
            digest = folder.name.removeprefix(f"{stem}-")
            # Else it belongs to a hive whose name goes on, or to another server that had a context of this name.
            if _HASH.fullmatch(digest) and (not server or digest in hashes):
                hashes.add(digest)
                shutil.rmtree(folder)
    for digest in hashes:
        for path in (home() / "run").glob(f"{digest}??????.*"):
            path.unlink(missing_ok=True)
