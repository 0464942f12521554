"""Whether the server is well, as a word or check by check. Where it is not, it no longer answers."""

from __future__ import annotations

from collections.abc import Sequence

from kgents.embedded.apiserver.calls import Answer

PATHS = ("/healthz", "/livez", "/readyz")
ALWAYS = ("ping", "log", "etcd")
CHECKS = {
    "/healthz": ALWAYS,
    "/livez": ALWAYS,
    "/readyz": (*ALWAYS, "etcd-readiness", "informer-sync", "shutdown"),
}
"""By the names that Kubernetes has for them; its store is called etcd there."""


def overall(path: str, *, verbose: bool, excluded: Sequence[str]) -> Answer:
    """What is said at one of the three paths."""
    if not verbose:
        return _text("ok")
    lines = [f"[+]{name} excluded: ok" if name in excluded else f"[+]{name} ok" for name in CHECKS[path]]
    if unknown := sorted(set(excluded) - set(CHECKS[path])):
        shown = ",".join(f'"{name}"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {shown}")
    return _text("\n".join([*lines, f"{path[1:]} check passed", ""]))


def single(path: str) -> Answer | None:
    """What one check says, as at `/livez/ping`; None where there is none of that name."""
    base, _, name = path.rpartition("/")
    return _text("ok") if name in CHECKS.get(base, ()) else None


def _text(text: str) -> Answer:
    headers = {"X-Content-Type-Options": "nosniff"}
    return Answer(text.encode(), content_type="text/plain; charset=utf-8", headers=headers)
