"""From client-side to server-side apply and back: the annotation that both of kubectl's ways of applying share.

As Kubernetes does it for the manager `kubectl` alone (apimachinery, lastAppliedManager and lastAppliedUpdater): what
the annotation says was applied is taken over without a conflict, and the annotation follows what is applied now.
"""

from __future__ import annotations

from typing import Any

import orjson

from kgents.embedded.patch.fields import Fields, difference
from kgents.embedded.patch.typed import Comparison, NotTyped, check, field_set
from kgents.embedded.schema.depth import TooDeep, check_depth
from kgents.embedded.schema.schema import Schema

Object = dict[str, Any]
MANAGER = "kubectl"
ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotations of an object together."""
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""As Go writes JSON."""


def taken_over(live: Object, schema: Schema) -> Fields:
    """The fields of the live object that still are as client-side apply left them."""
    try:
        applied = orjson.loads(_annotations(live).get(ANNOTATION) or "")
        check_depth(applied)
    except (orjson.JSONDecodeError, TooDeep):
        return {}
    if not isinstance(applied, dict) or applied.get("apiVersion") != schema.api_version or check(schema.root, applied):
        return {}
    try:
        changes = Comparison(schema.root, applied, live)
    except NotTyped:
        return {}
    fields = field_set(schema.root, applied)
    for changed in (changes.modified, changes.added, changes.removed):
        fields = difference(fields, changed)
    return fields


def follow(merged: Object, applied: Object) -> None:
    """Bring the annotation of a merged object, if it has one, up to date with what was applied; in place."""
    known = _annotations(merged)
    if not known.get(ANNOTATION):
        return
    metadata = dict(applied["metadata"])
    if ANNOTATION in (metadata.get("annotations") or {}):
        metadata["annotations"] = {key: value for key, value in metadata["annotations"].items() if key != ANNOTATION}
    text = orjson.dumps({**applied, "metadata": metadata}, option=orjson.OPT_SORT_KEYS).decode()
    for character, escape in ESCAPED.items():
        text = text.replace(character, escape)
    known[ANNOTATION] = text + "\n"
    if sum(len(key.encode()) + len(str(value).encode()) for key, value in known.items()) > ANNOTATIONS_LIMIT:
        del known[ANNOTATION]


def _annotations(obj: Object) -> Object:
    found = (obj.get("metadata") or {}).get("annotations")
    return found if isinstance(found, dict) else {}
