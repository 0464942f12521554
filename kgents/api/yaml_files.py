"""YAML as Kubernetes reads it: it holds JSON. A date is a text, and aliases stand for no more than can be sent."""

from __future__ import annotations

from typing import Any

_VALUES_MAX = 1_000_000
_DATE = "tag:yaml.org,2002:timestamp"
_NOT_JSON = frozenset(f"tag:yaml.org,2002:{name}" for name in ("binary", "omap", "pairs", "set"))


def documents(text: str) -> list[Any]:
    """What each document holds. Raises yaml.YAMLError or ValueError."""
    import yaml

    found = list(yaml.load_all(text, Loader=_loader()))
    if _is_endless(found):
        raise ValueError("its aliases stand for more than a million values")
    return found


def _loader() -> Any:
    import yaml

    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    plain = {
        sign: [(tag, pattern) for tag, pattern in resolvers if tag != _DATE]
        for sign, resolvers in base.yaml_implicit_resolvers.items()
    }
    made = {tag: how for tag, how in base.yaml_constructors.items() if tag not in _NOT_JSON}
    made[_DATE] = base.yaml_constructors["tag:yaml.org,2002:str"]
    return type("JsonLoader", (base,), {"yaml_implicit_resolvers": plain, "yaml_constructors": made})


def _is_endless(value: Any) -> bool:
    """Whether aliases make more of it than anybody can write out, or never end."""
    waiting = [value]
    for _ in range(_VALUES_MAX):
        if not waiting or len(waiting) > _VALUES_MAX:
            return bool(waiting)
        here = waiting.pop()
        if isinstance(here, (dict, list)):
            waiting.extend(here.values() if isinstance(here, dict) else here)
    return True
