"""A namespace that is being deleted takes nothing new: for a loop that wanted to add to it an end, not a fault."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from kgents.kube.errors import Forbidden

K = TypeVar("K")

_CAUSE = "NamespaceTerminating"


def is_terminating(error: BaseException) -> bool:
    """Whether this is the refusal of a namespace that is being deleted."""
    return isinstance(error, Forbidden) and any(cause.get("reason") == _CAUSE for cause in error.causes)


def until_namespace_goes(
    reconcile: Callable[[K], Awaitable[float | None]],
) -> Callable[[K], Awaitable[float | None]]:
    """`reconcile`, that ends quietly where the namespace is being deleted. Other refusals are raised."""

    async def tolerant(key: K) -> float | None:
        try:
            return await reconcile(key)
        except Forbidden as error:
            if is_terminating(error):
                return None
            raise

    return tolerant
