"""Which part of a list is wanted, and of which moment; and the tokens by which clients ask for the next part.

The tokens are written as Kubernetes writes them: base64 of {"v", "rv", "start"}. A version of -1 stands for now.
"""

from __future__ import annotations

import base64
import binascii
import posixpath
from dataclasses import dataclass

import orjson

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request
from kgents.embedded.apiserver.list_options import check_list, too_large, version, whole_number

FORMAT = "meta.k8s.io/v1"
NOW = -1
BAD = "continue key is not valid"
INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
TOO_OLD = "The resourceVersion for the provided list is too old."


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` 0: no limit. `start`: the first path wanted, within what was asked for. `moment` None: now."""

    limit: int
    start: str
    moment: int | None
    continued: bool


def page(call: Call) -> Page:
    """What the query asks for. Raises 400, 422, 504."""
    check_list(call)
    query, current = call.info.query, call.api.store.rv
    limit, rv = max(whole_number(call, "limit"), 0), version(call)
    if token := query.get("continue"):
        if rv:
            raise bad_request("specifying resource version is not allowed when using continue")
        start, rv = _decode(token)
        if rv > current:
            raise too_large(rv, current)
        return Page(limit, start, None if rv < 0 else rv, True)
    if rv > current:
        raise too_large(rv, current)
    match = query.get("resourceVersionMatch", "")
    if query.get("resourceVersion") == "0":
        # Any version will do, and Kubernetes' cache then shows all it has, whatever the limit.
        return Page(0, "", None, False)
    # With a limit and no word on how it is meant, a version has always been meant exactly.
    exact = match == "Exact" or (limit > 0 and rv > 0 and not match)
    return Page(limit, "", rv if exact else None, False)


def token(last: str, rv: int) -> str:
    """What continues a list behind a path."""
    return _encode(last + "\0", rv)


def expired(asked: Page) -> StatusError:
    """410: the moment is no longer known. Who was in the middle of a list is told how to go on all the same."""
    if not asked.continued:
        return StatusError(410, "Expired", TOO_OLD)
    error = StatusError(410, "Expired", INCONSISTENT)
    error.metadata["continue"] = _encode(asked.start, NOW)
    return error


def _encode(start: str, rv: int) -> str:
    value = orjson.dumps({"v": FORMAT, "rv": rv, "start": start})
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(text: str) -> tuple[str, int]:
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        value = orjson.loads(raw)
    except (binascii.Error, ValueError) as error:
        raise bad_request(f"{BAD}: {error}") from error
    if not isinstance(value, dict) or value.get("v") != FORMAT:
        raise bad_request(f"{BAD}: server does not recognize this encoded version")
    rv, start = value.get("rv"), value.get("start")
    if not isinstance(rv, int) or rv == 0:
        raise bad_request(f"{BAD}: incorrect encoded start resourceVersion (version {FORMAT})")
    if not isinstance(start, str) or not start:
        raise bad_request(f"{BAD}: encoded start key empty (version {FORMAT})")
    rooted = start if start.startswith("/") else f"/{start}"
    if posixpath.normpath(rooted) != rooted:
        raise bad_request(f"{BAD}: {start}")
    return rooted[1:], rv
