"""How much could go wrong with a change: a sum of terms, each explained. No model decides it, and nothing random.

    total = min(1, base + velocity + cumulative)

`base` adds up the kinds of change that the diff touches, each once; `velocity` grows with what else this proposer wants
lately, `cumulative` with what was merged for this target lately. More changes never mean less risk.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from kgents.api import quantity
from kgents.api.governance import table as tables
from kgents.api.governance.changes import ABSENT, Change, Element, path_text
from kgents.api.governance.table import Table
from kgents.api.governance.widening import is_narrower
from kgents.api.kinds import GROUP, HIVE_NAMESPACE

Level = Literal["Low", "Medium", "High"]
HOUR, DAY = 3600.0, 86400.0

LAW_GROUPS = frozenset(
    ("admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "certificates.k8s.io")
) | {"rbac.authorization.k8s.io"}
_LAW_KINDS = frozenset((("", "Namespace"), ("", "ServiceAccount"), ("", "Node"), ("policy", "PodSecurityPolicy")))
_LOADER_NAMES = (
    "PATH HOME ENV BASH_ENV SHELL IFS PS4 PROMPT_COMMAND ZDOTDIR EDITOR VISUAL PAGER CLASSPATH RUBYOPT RUBYLIB "
    "PERL5OPT PERL5LIB GCONV_PATH LUA_PATH LUA_CPATH TCLLIBPATH GOFLAGS GOPROXY KUBECONFIG SSL_CERT_FILE SSL_CERT_DIR "
    "REQUESTS_CA_BUNDLE CURL_CA_BUNDLE HTTP_PROXY HTTPS_PROXY ALL_PROXY"
)
_LOADERS = frozenset(_LOADER_NAMES.split())
"""Variables that choose which code runs, or where it is fetched from."""
_LOADER_PREFIXES = (
    *("LD_", "DYLD_", "GLIBC_", "MALLOC_", "BASH_FUNC_", "PYTHON", "PIP_", "UV_", "NODE_", "npm_config_", "GEM_"),
    *("BUNDLE_", "CARGO_", "RUSTC", "GIT_", "OPENSSL_", "DOTNET_", "COMPlus_", "CORECLR_", "JULIA_", "ERL_", "XDG_"),
    *("GUILE_", "R_PROFILE", "R_ENVIRON", "R_LIBS", "KGENTS_"),
)
_LOADER_SUFFIXES = ("_OPTS", "_OPTIONS")
_FIELDS = {
    "image": "image",
    "command": "command",
    "args": "command",
    "entrypoint": "command",
    "workingDir": "command",
    "config": "environment",
    # Which keys these objects will hold is not to be known: they may well name a loader's.
    "envFrom": "loader",
}
_POD_FIELDS = {"image": "image", "command": "command", "args": "command", "workingDir": "command"}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a proposal is about: the target's group, kind and namespace. `adopted`: it is the body of an agent."""

    group: str
    kind: str
    namespace: str
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """One addend, with the sentence that explains it."""

    row: str
    weight: float
    reason: str


@dataclass(frozen=True, slots=True)
class Risk:
    """A score from 0 to 1 and what it is made of. `terms` explain every addend."""

    base: float
    velocity: float
    cumulative: float
    total: float
    level: Level
    terms: tuple[Term, ...]

    def to_json(self) -> dict[str, Any]:
        """As it stands in a proposal's `status.risk`."""
        return {
            "base": self.base,
            "velocity": self.velocity,
            "cumulative": self.cumulative,
            "total": self.total,
            "level": self.level,
            "reasons": [term.reason for term in self.terms][:64],
        }


def level_of(total: float) -> Level:
    return "Low" if total < tables.MEDIUM else "Medium" if total < tables.HIGH else "High"


def score(
    subject: Subject,
    changes: Iterable[Change],
    *,
    others_last_hour: int = 0,
    merged_last_day: float = 0.0,
    table: Table = tables.DEFAULT,
) -> Risk:
    """The risk of these changes.

    `others_last_hour`: how many other proposals of this proposer were scored in the last hour; `merged_last_day`: the
    sum of the bases that were merged for this target in the last 24 hours.
    """
    terms = list(_base(subject, list(changes), table))
    base = _rounded(math.fsum(term.weight for term in terms))
    velocity = _rounded(min(table.velocity_each * max(0, others_last_hour), table.velocity_max))
    cumulative = _rounded(min(table.cumulative_each * max(0.0, merged_last_day), table.cumulative_max))
    if velocity:
        reason = f"+{velocity:g} velocity: {others_last_hour} other proposals of this proposer in the last hour"
        terms.append(Term("velocity", velocity, reason))
    if cumulative:
        reason = f"+{cumulative:g} cumulative: changes with a base of {merged_last_day:g} merged here in the last day"
        terms.append(Term("cumulative", cumulative, reason))
    total = min(1.0, _rounded(base + velocity + cumulative))
    return Risk(base, velocity, cumulative, total, level_of(total), tuple(terms))


def _base(subject: Subject, changes: list[Change], table: Table) -> Iterator[Term]:
    touched: dict[str, list[str]] = {}
    for change in changes:
        for id in _kinds_of(subject, change):
            touched.setdefault(id, []).append(path_text(change.path))
    # The heavier of a pair stands for both: what more than doubles does not also double.
    for pair in (("scale", "scale-beyond"), ("resources", "resources-beyond")):
        if all(id in touched for id in pair):
            del touched[min(pair, key=lambda id: table.weights[id])]
    for row in tables.ROWS:
        if row.id in touched:
            paths = list(dict.fromkeys(touched[row.id]))
            where = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
            weight = table.weights[row.id]
            yield Term(row.id, weight, f"+{weight:g} {row.what} ({where}): {row.why}"[:1024])


def _kinds_of(subject: Subject, change: Change) -> Iterator[str]:
    """The rows that a change touches; several for an object that comes whole."""
    if (
        subject.group in LAW_GROUPS
        or (subject.group, subject.kind) in _LAW_KINDS
        or subject.namespace == HIVE_NAMESPACE
    ):
        yield "law"
    elif not change.path and change.after is ABSENT:
        yield "delete-memory" if (subject.group, subject.kind) == (GROUP, "Memory") else "delete"
    elif subject.adopted and len(change.path) > 1 and change.path[0] == "spec":
        yield from _of_workload(change)
    elif subject.group != GROUP or not change.path or change.path[0] != "spec":
        yield "unlisted"
    elif subject.kind == "Umwelt":
        yield "umwelt-narrowed" if is_narrower(change) else "umwelt-widened"
    elif subject.kind == "Agent":
        yield from _of_agent(change)
    else:
        yield "unlisted"


def _of_agent(change: Change) -> Iterator[str]:
    field = change.path[1] if len(change.path) > 1 else ""
    if field == "replicas":
        yield _scaling(change.before, change.after)
    elif field == "suspend":
        yield "scale-to-zero" if change.after is True else "scale-beyond"
    elif field == "resources":
        yield from _resources(change)
    elif field == "env":
        yield from _variables(change)
    elif field == "umwelt":
        yield "umwelt-widened"
    elif field == "template":
        yield _of_template(change)
    else:
        yield _FIELDS.get(str(field), "unlisted")


def _of_workload(change: Change) -> Iterator[str]:
    """What an agent's own fields would be, where they stand in a workload."""
    fields = change.fields
    within = fields[4] if len(fields) > 4 and fields[1:4] == ("template", "spec", "containers") else ""
    if fields[1:] == ("replicas",):
        yield _scaling(change.before, change.after)
    elif within == "resources":
        yield from _resources(change)
    elif within == "env":
        yield from _variables(change)
    elif within == "envFrom":
        yield "loader"
    elif fields[1] == "template":
        yield _of_template(change)
    else:
        yield "unlisted"


def _scaling(before: Any, after: Any) -> str:
    old, new = (1 if count is ABSENT or count is None else count for count in (before, after))
    if not isinstance(old, int) or not isinstance(new, int) or isinstance(old, bool) or isinstance(new, bool):
        return "unlisted"
    if new == 0:
        return "scale-to-zero"
    if new > max(old, tables.LARGE):
        return "scale-large"
    return "scale" if old and old / 2 <= new <= old * 2 else "scale-beyond"


def _resources(change: Change) -> Iterator[str]:
    """Row by row of quantities; one that had no bound, or loses it, grows without measure."""
    for before, after in list(_leaves(change.before, change.after)) or [(ABSENT, ABSENT)]:
        old, new = quantity.parse_or(before, None), quantity.parse_or(after, None)
        growth_is_known = old is not None and new is not None and old > 0
        yield "resources" if growth_is_known and new <= old * 2 else "resources-beyond"  # type: ignore[operator]


def _leaves(before: Any, after: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = (part if isinstance(part, dict) else {} for part in (before, after))
        for key in sorted(old.keys() | new.keys()):
            yield from _leaves(old.get(key, ABSENT), new.get(key, ABSENT))
        return
    yield before, after


def _variables(change: Change) -> Iterator[str]:
    names = [step.value for step in change.path if isinstance(step, Element) and step.key == "name"]
    if not names:
        lists = [part for part in (change.before, change.after) if isinstance(part, list)]
        names = [item.get("name", "") if isinstance(item, dict) else "" for items in lists for item in items]
    yield from ("loader" if _is_loader(str(name)) else "environment" for name in names or [""])


def _is_loader(name: str) -> bool:
    return not name or name.upper() in _LOADERS or name.startswith(_LOADER_PREFIXES) or name.endswith(_LOADER_SUFFIXES)


def _of_template(change: Change) -> str:
    fields = change.fields
    if "volumes" in fields or "volumeMounts" in fields:
        return "volumes"
    last = fields[-1] if len(fields) > 3 and "containers" in fields else ""
    return _POD_FIELDS.get(last, "unlisted")


def _rounded(number: float) -> float:
    """To four places: 0.1 + 0.2 is the threshold 0.3, not a hair more."""
    return round(number, 4)
