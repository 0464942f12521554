"""The one shape of JSON answers. It imports next to nothing, so that the fastest answer can use it."""

from __future__ import annotations

import json

from kgents.glass.answer import Answer


def as_json(answer: Answer) -> str:
    """The answer as JSON, a row a line. The rows are printed as they arrived, never parsed."""
    head = f'{{"path":{json.dumps(answer.path)},"source":{compact(answer.source.to_dict())}{frozen_part(answer.frozen)}'
    if not answer.many:
        return f'{head},"item":{answer.items[0].decode() if answer.items else "null"}}}\n'
    cut = f',"total":{answer.total}' if answer.total > len(answer.items) else ""
    if not answer.items:
        return f'{head}{cut},"items":[]}}\n'
    return f'{head}{cut},"items":[\n' + b",\n".join(answer.items).decode() + "\n]}\n"


def frozen_part(frozen: dict[str, str] | None) -> str:
    """What stands beside the source while the hive is frozen."""
    return f',"frozen":{compact(frozen)}' if frozen else ""


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
