"""JSON for people: indented where somebody asks for it, or looks with curl, wget or a browser, as in Kubernetes."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from kgents.embedded.apiserver.aside import aside
from kgents.embedded.apiserver.calls import JSON, Answer

TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
VIEWERS = ("curl", "Wget", "Mozilla/5.0")


def is_wanted(query: Mapping[str, str], headers: Mapping[str, str]) -> bool:
    """What `?pretty` says, or else who asks."""
    asked = query.get("pretty")
    return asked in TRUE if asked else headers.get("User-Agent", "").startswith(VIEWERS)


async def indented(found: Answer) -> Answer:
    """The same answer on many lines; what is packed or no JSON stays as it is."""
    if found.content_type == JSON and found.body and "Content-Encoding" not in found.headers:
        body = found.body
        found.body = await aside(len(body), lambda: orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2))
    return found
