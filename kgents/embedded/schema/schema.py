"""The facade: everything the API server asks about one group-version-kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from kgents.embedded.schema import builtin, decoding, defaulting, embedded, pruning, zeros
from kgents.embedded.schema.causes import (
    NOT_SUPPORTED,
    NOWHERE,
    REQUIRED,
    TOO_LONG,
    TOO_MANY,
    TYPE_INVALID,
    Cause,
    below,
    invalid,
)
from kgents.embedded.schema.depth import TooDeep, check_depth
from kgents.embedded.schema.embedded import contains_embedded
from kgents.embedded.schema.list_types import check_lists
from kgents.embedded.schema.node import ABSENT, ANY, Node, compile_schema
from kgents.embedded.schema.ratchet import validate_ratcheting
from kgents.embedded.schema.validation import validate

BLOCKING = frozenset({NOT_SUPPORTED, REQUIRED, TOO_LONG, TOO_MANY, TYPE_INVALID})
NOT_CHECKED = (
    "some validation rules were not checked because the object was invalid; "
    "correct the existing errors to complete validation"
)


class Schema:
    """The compiled schema of one group-version-kind. Immutable and safe to share between threads."""

    __slots__ = (
        "alternatives",
        "api_version",
        "embeds",
        "group",
        "has_rules",
        "is_custom",
        "kind",
        "meta_rules",
        "root",
        "version",
    )

    def __init__(self, root: Node, group: str, version: str, kind: str, *, custom: bool) -> None:
        self.root = root
        self.group = group
        self.version = version
        self.kind = kind
        self.is_custom = custom
        self.api_version = f"{group}/{version}" if group else version
        self.has_rules = custom and contains_rules(root)
        self.meta_rules: Node | None = None
        self.embeds = False
        self.alternatives = alternatives(root.source) if custom else 1
        """How many schemas a value may have to be held against: what `anyOf` and its like multiply the work by."""

    @staticmethod
    @lru_cache(maxsize=512)
    def builtin(group: str, version: str, kind: str) -> Schema | None:
        """The schema of a kind that Kubernetes itself defines, or None."""
        name = builtin.definition_name(group, version, kind)
        return None if name is None else Schema(builtin.definition(name), group, version, kind, custom=False)

    @staticmethod
    def custom(
        version_schema: Mapping[str, Any] | None,
        *,
        group: str,
        version: str,
        kind: str,
        preserve_unknown_fields: bool = False,
    ) -> Schema:
        """The schema of one CRD version, from its `openAPIV3Schema`."""
        root = compile_schema(version_schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        root.preserve = root.preserve or preserve_unknown_fields
        meta_rules, embeds = root.properties.get("metadata"), contains_embedded(root)
        complete_resources(root, is_root=True)
        schema = Schema(root, group, version, kind, custom=True)
        schema.meta_rules, schema.embeds = meta_rules, embeds
        return schema

    def decode_error(self, obj: Any) -> str | None:
        """Why the object cannot be decoded at all (400), or None. Nesting beyond MAX_DEPTH counts as such."""
        try:
            check_depth(obj)
        except TooDeep:
            return "json: exceeded max depth"
        if not self.is_custom:
            return decoding.decode_error(self.root, obj, self.kind)
        for name in ("apiVersion", "kind"):
            if not isinstance(obj.get(name, ""), str):
                return f"json: cannot unmarshal {name}: not a string"
        problem = decoding.decode_error(builtin.object_meta(), obj.get("metadata"), "ObjectMeta", "metadata")
        return problem or (embedded.decode_error(self.root, obj) if self.embeds else None)

    def unknown_fields(self, obj: Any) -> list[str]:
        """Paths that the schema does not declare, in the order Kubernetes names them."""
        found = pruning.unknown_fields(self.root, obj)
        return sorted(found) if self.is_custom else found

    def prune(self, obj: Any) -> None:
        """Drop undeclared fields, in place."""
        pruning.prune(self.root, obj)

    def default(self, obj: Any) -> None:
        """Apply schema defaults, in place. Built-in kinds have none there; they lose nulls and empty lists."""
        if self.is_custom:
            defaulting.default(self.root, obj)
        else:
            defaulting.omit_empty(self.root, obj)

    def fill_structs(self, obj: Any) -> None:
        """Add, in place, what Kubernetes' own types write even when it is empty."""
        if not self.is_custom:
            zeros.fill_structs(self.root, obj)

    def validate(
        self, new: Any, old: Any = None, *, status: bool = False, warnings: list[str] | None = None
    ) -> list[Cause]:
        """Every reason why a custom object is invalid; `old` is what is stored, for updates.

        `status`: only the status could change. `warnings` takes what is told of broken rules that are tolerated.
        """
        if not self.is_custom:
            return []
        before = ABSENT if old is None else old
        causes = self._validate_status(new, old or {}) if status else self._validate_all(new, before)
        causes += self._repeated(new, before)
        causes.sort(key=lambda cause: (cause.field == NOWHERE, cause.field))
        if not self.has_rules:
            return causes
        if any(cause.reason in BLOCKING for cause in causes):
            return [*causes, invalid(NOWHERE, None, NOT_CHECKED)]
        from kgents.embedded.schema.rules import check_rules  # CEL costs memory: only for CRDs that use it

        tolerated: list[Cause] = []
        broken = check_rules(self.root, new, before, tolerated=tolerated)
        if warnings is not None:
            warnings += map(str, _located(tolerated))
        return causes + _located(broken)

    def _validate_all(self, new: Any, before: Any) -> list[Cause]:
        causes = validate_ratcheting(self.root, new, before)
        if self.meta_rules is not None and (before is ABSENT or new.get("metadata") != before.get("metadata")):
            validate(self.meta_rules, new.get("metadata") or {}, "metadata", causes)
        return causes

    def _validate_status(self, new: Any, old: Any) -> list[Cause]:
        """As in Kubernetes the status is judged by itself, so that sentences about it do not begin with its name."""
        node = self.root.properties.get("status")
        if node is None or "status" not in new:
            return []
        return below("status", validate_ratcheting(node, new["status"], old.get("status", ABSENT)))

    def _repeated(self, new: Any, before: Any) -> list[Cause]:
        """Elements of sets and maps that are there twice: tolerated once there were any."""
        causes: list[Cause] = []
        check_lists(self.root, new, "", causes)
        if causes and before is not ABSENT:
            known: list[Cause] = []
            check_lists(self.root, before, "", known)
            return [] if known else causes
        return causes


def _located(causes: list[Cause]) -> list[Cause]:
    return [cause if cause.field else replace(cause, field=NOWHERE) for cause in causes]


def complete_resources(node: Node, *, is_root: bool = False) -> None:
    """Give the root and embedded resources what the schema need not declare: apiVersion, kind and metadata."""
    for child in (*node.properties.values(), node.additional, node.items):
        if child is not None and child is not ANY:
            complete_resources(child)
    if is_root or node.embedded:
        text = compile_schema({"type": "string"})
        node.properties = {**node.properties, "apiVersion": text, "kind": text, "metadata": builtin.object_meta()}


def alternatives(schema: Any) -> int:
    """The most schemas that stand one inside another's `anyOf`, `oneOf`, `allOf` or `not`, at least 1."""
    if not isinstance(schema, dict):
        return 1
    parts = [part for keyword in ("allOf", "anyOf", "oneOf") for part in schema.get(keyword) or ()]
    own = sum(alternatives(part) for part in [*parts, schema.get("not")] if isinstance(part, dict))
    below = [*(schema.get("properties") or {}).values(), schema.get("items"), schema.get("additionalProperties")]
    return max(1, own, *(alternatives(child) for child in below))


def contains_rules(node: Node) -> bool:
    """Whether CEL rules stand anywhere in a tree; remembered on each node, for the walk."""
    if node.walk_rules is None:
        node.walk_rules = False
        children = [*node.properties.values(), node.additional, node.items]
        below = [contains_rules(child) for child in children if child is not None]
        node.walk_rules = bool(node.rules) or any(below)
    return node.walk_rules
