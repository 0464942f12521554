"""docs/crds.md, made from the CRDs: `python -m tests.support.crd_tables` writes it, a test sees that it is current."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "crds.md"
ORDER = ("agents", "pheromones", "memories", "umwelts", "proposals")
HEAD = """# The five kinds

Group `kgents.io`, version `v1`. This page is made from the files in [`crds/`](../crds), which are the specification;
`kubectl explain agent.spec` tells the same. A star marks what is required. [`examples/`](../examples) has one of each.
"""
# What is the same for all, or better read where it comes from.
FOLDED = {"conditions": "list of conditions, as Kubernetes has them"}


def render() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(kind_section(plural) for plural in ORDER)])


def kind_section(plural: str) -> str:
    spec = yaml.safe_load((ROOT / "crds" / f"{plural}.yaml").read_text())["spec"]
    schema = spec["versions"][0]["schema"]["openAPIV3Schema"]
    names = spec["names"]
    parts = [f"## {names['kind']}\n\n{schema['description']} Short name `{names['shortNames'][0]}`.\n"]
    for section in ("spec", "status"):
        parts += [f"| `{section}.` | type | what it says |", "|---|---|---|"]
        parts += rows(schema["properties"][section], "")
        parts.append("")
    rules = [rule for _, rule in all_rules(schema)]
    if rules:
        parts += ["Rules that the API server holds it to:\n", *(f"- {rule}" for rule in dict.fromkeys(rules)), ""]
    return "\n".join(parts)


def rows(schema: dict[str, Any], prefix: str) -> list[str]:
    found = []
    for name, node in schema.get("properties", {}).items():
        star = "*" if name in schema.get("required", []) else ""
        text = node.get("description", "").replace("|", "\\|")
        found.append(f"| `{prefix}{name}`{star} | {type_of(name, node)} | {text} |")
        if name in FOLDED:
            continue
        below = node.get("items", node) if node.get("type") == "array" else node
        mark = "[]." if node.get("type") == "array" else "."
        found += rows(below, f"{prefix}{name}{mark}")
    return found


def type_of(name: str, node: dict[str, Any]) -> str:
    if name in FOLDED:
        return FOLDED[name]
    if "enum" in node:
        text = ", ".join(str(value) for value in node["enum"]) if len(node["enum"]) <= 13 else "A … Z, PSI, OMEGA"
    elif node.get("x-kubernetes-int-or-string"):
        text = "quantity"
    elif node.get("type") == "array":
        text = f"list of {type_of('', node['items'])}"
    elif "additionalProperties" in node:
        text = f"map of {type_of('', node['additionalProperties'])}"
    else:
        text = node.get("format") or node.get("type") or "anything"
    return text + default_of(node)


def default_of(node: dict[str, Any]) -> str:
    if "default" not in node:
        return ""
    value = node["default"]
    return f", default `{str(value).lower() if isinstance(value, bool) else value}`"


def all_rules(schema: dict[str, Any], path: str = "") -> list[tuple[str, str]]:
    found = [(path, rule["message"]) for rule in schema.get("x-kubernetes-validations", [])]
    for name, node in schema.get("properties", {}).items():
        found += all_rules(node, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found += all_rules(schema[key], path)
    return found


if __name__ == "__main__":
    PAGE.write_text(render())
