"""The options of lists and watches: which combinations there are, and how the others are refused.

https://kubernetes.io/docs/reference/using-api/api-concepts/#semantics-for-get-and-list
"""

from __future__ import annotations

from kgents.embedded.apiserver.calls import Call
from kgents.embedded.apiserver.errors import StatusError, bad_request, invalid
from kgents.embedded.schema.causes import Cause, forbidden, not_supported

MATCHES = ("Exact", "NotOlderThan", "")
SENDING = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
CONTINUED = "resourceVersionMatch is forbidden when continue is provided"
MATCH = "resourceVersionMatch"


def check_list(call: Call) -> None:
    """Raises 422 for options that a list cannot have."""
    query = call.info.query
    rv, match = query.get("resourceVersion", ""), query.get(MATCH, "")
    causes: list[Cause] = []
    if match:
        if not rv:
            causes.append(forbidden(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            causes.append(forbidden(MATCH, CONTINUED))
        if match not in MATCHES:
            causes.append(not_supported(MATCH, match, MATCHES))
        if match == "Exact" and rv == "0":
            why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            causes.append(forbidden(MATCH, why))
    if "sendInitialEvents" in query:
        causes.append(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    _refuse(causes)


def check_watch(call: Call) -> None:
    """Raises 422 for options that a watch cannot have."""
    query = call.info.query
    match, sending = query.get(MATCH, ""), "sendInitialEvents" in query
    causes: list[Cause] = []
    if sending and match != "NotOlderThan":
        causes.append(forbidden(MATCH, SENDING))
    if match:
        if not sending:
            why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            causes.append(forbidden(MATCH, why))
        if match != "NotOlderThan":
            causes.append(not_supported(MATCH, match, ["NotOlderThan"]))
        if query.get("continue"):
            causes.append(forbidden(MATCH, CONTINUED))
    _refuse(causes)


def _refuse(causes: list[Cause]) -> None:
    if causes:
        raise invalid("meta.k8s.io", "ListOptions", "", causes)


def version(call: Call) -> int:
    """The resourceVersion of the query; 0 where there is none. Raises 400."""
    text = call.info.query.get("resourceVersion", "")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f'resourceVersion: Invalid value: "{text}": {_go("ParseUint", text, "invalid syntax")}')
    if len(text) > 20 or int(text) >= 1 << 64:
        raise bad_request(f'resourceVersion: Invalid value: "{text}": {_go("ParseUint", text, "value out of range")}')
    return int(text)


def whole_number(call: Call, name: str) -> int:
    """A number of the query, such as limit; 0 where there is none. Raises 400."""
    text = call.info.query.get(name)
    if text is None:
        return 0
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdigit()):
        raise bad_request(_go("ParseInt", text, "invalid syntax"))
    if len(digits) > 19 or not -(1 << 63) <= int(text) < 1 << 63:
        raise bad_request(_go("ParseInt", text, "value out of range"))
    return int(text)


def _go(function: str, text: str, why: str) -> str:
    return f'strconv.{function}: parsing "{text}": {why}'


def too_large(asked: int, current: int) -> StatusError:
    """504 for a version that is not there yet."""
    return StatusError(
        504,
        "Timeout",
        f"Timeout: Too large resource version: {asked}, current: {current}",
        details={
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        },
    )
