"""Names: what may be one, and how an agent's children get theirs."""

from __future__ import annotations

import hashlib
import re

from kgents.api.errors import NotFound, UsageError

AGENT_NAME_MAX = 50
LABEL_MAX = 63
_LISTING = {"agent": "kgents status -A", "proposal": "kgents proposals -A", "signal": "kgents observe -A"}
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def is_label(name: str) -> bool:
    """Whether it is a DNS-1035 label: at most 63 of a–z, 0–9 and '-', a letter first and no '-' last."""
    return len(name) <= LABEL_MAX and _DNS_1035.fullmatch(name) is not None


def is_object_name(name: str) -> bool:
    """Whether Kubernetes takes it for most objects: a DNS-1123 subdomain of at most 253 characters."""
    return len(name) <= 253 and _DNS_1123.fullmatch(name) is not None


def check_agent_name(name: str) -> str:
    """`name`, if an agent can be called so; else a UsageError that says what is wrong with it."""
    shown = name if len(name) <= 60 else f"{name[:57]}…"
    if len(name) > AGENT_NAME_MAX:
        why = f"it has {len(name)} characters, and at most {AGENT_NAME_MAX} are possible"
        raise UsageError(f'an agent cannot be called "{shown}"', why=why)
    if not is_label(name):
        why = "a name has only a–z, 0–9 and '-', begins with a letter and does not end with '-'"
        raise UsageError(f'an agent cannot be called "{shown}"', why=why)
    return name


def missing(what: str, name: str, namespace: str = "") -> NotFound:
    """The error for an `agent`, a `signal` … that is not there; without a namespace it is in none of them."""
    shown = name if len(name) <= 60 else f"{name[:57]}…"
    where = f"in the namespace {namespace}" if namespace else "in any namespace"
    command = _LISTING.get(what)
    return NotFound(f"There is no {what} “{shown}” {where}", fix=f"See which there are: {command}" if command else "")


def child_name(owner: str, *parts: str, longest: int = LABEL_MAX) -> str:
    """A name made of the owner's and what the child is for: always the same, at most `longest` characters.

    Where it does not fit it is cut and a hash of the whole is put on its end, so that two never become one.
    """
    whole = "-".join((owner, *parts))
    if len(whole) <= longest:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: longest - 9].rstrip('-.')}-{digest}"


def suggest(text: str) -> str:
    """An agent's name near to `text`: a program's file name, say. `agent` when nothing of it can be used."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    name = name.lstrip("0123456789-")[:AGENT_NAME_MAX].strip("-")
    return name or "agent"
