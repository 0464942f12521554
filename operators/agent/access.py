"""What an agent may do by law, as Role rules: the same for every agent, and what its umwelt affords beyond that.

Only reads can be afforded, and the creation of pheromones and proposals: agents never write Agents, Memories or
decisions. A pattern that names an agent is rendered with that name alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kgents.api.kinds import GROUP

Rule = dict[str, Any]
READ = ("get", "list", "watch")

LAW: tuple[Rule, ...] = (
    {"apiGroups": [GROUP], "resources": ["pheromones"], "verbs": ["create", *READ]},
    # To claim work, and to say that it is done: a policy sees to it that an agent does so for itself only.
    {"apiGroups": [GROUP], "resources": ["pheromones/status"], "verbs": ["get", "patch"]},
    {"apiGroups": [GROUP], "resources": ["proposals"], "verbs": ["create"]},
)


@dataclass(frozen=True, slots=True)
class Grant:
    """The permission behind a path. `*` in the path stands for an agent's name."""

    path: str
    group: str
    resource: str
    verbs: tuple[str, ...]


GRANTS = (
    Grant("world.cluster.agents.manifest", GROUP, "agents", READ),
    Grant("world.cluster.agents.*.manifest", GROUP, "agents", READ),
    Grant("world.cluster.agents.*.witness", "", "pods", READ),
    Grant("world.cluster.agents.*.witness", "", "pods/log", ("get",)),
    Grant("self.deployment.manifest", GROUP, "proposals", READ),
    Grant("self.deployment.*.manifest", GROUP, "proposals", READ),
    Grant("self.deployment.*.diff", GROUP, "proposals", READ),
    Grant("self.memory.manifest", GROUP, "memories", READ),
    Grant("self.umwelt.manifest", GROUP, "umwelts", READ),
)


def rules(affordances: Iterable[str] | None) -> list[Rule]:
    """The rules of the agent's Role. Patterns that no permission stands behind add none."""
    made: list[Rule] = [dict(rule) for rule in LAW]
    for pattern in affordances or ():
        for grant in GRANTS:
            named = _match(pattern.split("."), grant.path.split("."))
            if named is None:
                continue
            rule = _rule(grant, named)
            if rule is not None and rule not in made:
                made.append(rule)
    return made


def _rule(grant: Grant, named: str) -> Rule | None:
    rule: Rule = {"apiGroups": [grant.group], "resources": [grant.resource], "verbs": list(grant.verbs)}
    if not named:
        return rule
    if grant.resource != "agents":
        return None  # A pod's name is not its agent's: RBAC cannot say "the pods of X", so it says nothing.
    return {**rule, "verbs": ["get"], "resourceNames": [named]}


def _match(pattern: list[str], path: list[str]) -> str | None:
    """None: no match. Otherwise the name that the pattern demands where the path has `*`, or "" for any."""
    if not pattern:
        return None if path else ""
    if pattern[0] == "**":
        for taken in range(len(path) + 1):
            named = _match(pattern[1:], path[taken:])
            if named is not None:
                return named
        return None
    if not path:
        return None
    if pattern[0] != "*" and path[0] != "*" and pattern[0] != path[0]:
        return None
    rest = _match(pattern[1:], path[1:])
    if rest is None:
        return None
    return pattern[0] if path[0] == "*" and pattern[0] != "*" else rest


def umwelt_of(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    umwelt = spec.get("umwelt")
    return umwelt if isinstance(umwelt, Mapping) else {}
