"""What became of a hive's store, if it was ever found broken: said by init, start and status until its remains go."""

from __future__ import annotations

from kgents.infra.hive import Hive


def trouble(hive: Hive) -> str:
    """One line on the last store that was set aside and is still there; empty if there is none."""
    store = hive.dir / "store" / "hive.db"
    if not any(store.parent.glob(f"{store.name}.damaged-*.json")):
        return ""
    # Imported for who needs it only: it brings SQLite.
    from kgents.embedded.apiserver.store.recovery import latest

    done = latest(store)
    return "" if done is None else f"{done.line} in {store.parent} ({done.time})"
