"""One command's way to its hive: the context resolved, the glass opened, and what should be said to a person."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from kgents.api import paths
from kgents.cli import express
from kgents.glass import context as contexts
from kgents.glass.answer import Answer
from kgents.glass.context import Target
from kgents.glass.look import Freshness, Glass, open_glass


@dataclass(frozen=True, slots=True)
class Session:
    """`namespace` is "" for all of them."""

    glass: Glass
    namespace: str

    @property
    def target(self) -> Target:
        return self.glass.target

    @property
    def place(self) -> str:
        """What stands in titles and questions: context and namespace."""
        return f"{self.target.context}/{self.namespace or 'all namespaces'}"

    def read(self, id: str, freshness: Freshness, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        return self.glass.read(
            id, namespace=self.namespace, freshness=freshness, bindings=names, arguments=arguments or {}
        )

    def write(self, id: str, arguments: dict[str, Any] | None = None, **names: str) -> Answer:
        """Does it, with its arguments checked as the registry declares them."""
        checked = paths.entry(id).parse(arguments or {})
        return self.glass.write(id, namespace=self.namespace, bindings=names, arguments=checked)


def open_session(
    context: str | None, namespace: str | None, *, everywhere: bool = False, ghost_only: bool = False
) -> Session:
    """The session of a command. Raises KgentsError when no hive can be made out."""
    find = contexts.resolve_for_ghost if ghost_only else contexts.resolve
    target = find(context, namespace)
    return Session(open_glass(target, tell, express.refused), "" if everywhere else target.namespace)


def tell(line: str) -> None:
    """Talk, on stderr."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
