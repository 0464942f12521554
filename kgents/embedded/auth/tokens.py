"""The static tokens of a hive: its administrator, and its own processes.

The file is a JSON list of `{"token", "user", "uid", "groups"}`. It is read once; a server that is to know a new
token is restarted.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kgents.api.errors import KgentsError
from kgents.embedded.auth.files import locked, make_private_dir, write_private
from kgents.embedded.auth.user import ALL_AUTHENTICATED, MASTERS, User

ADMIN = "kubernetes-admin"


@dataclass(frozen=True, slots=True)
class StaticTokens:
    """Tokens known from the start. `admin_token` is the administrator's."""

    users: dict[str, User]
    admin_token: str

    def lookup(self, token: str) -> User | None:
        """The user of `token`, or None."""
        return self.users.get(token)


def ensure_tokens(path: Path) -> StaticTokens:
    """Read `path`, or make it with a fresh administrator; one without an administrator gets one.

    A file cut short by a crash of an older writer is unreadable and is set aside as `*.torn`. Raises KgentsError when
    the file is JSON of another shape: somebody wrote it, so it is not thrown away.
    """
    make_private_dir(path.parent)
    with locked(path.parent):
        return _ensure(path)


def _ensure(path: Path) -> StaticTokens:
    entries = _read(path)
    admin = next((entry["token"] for entry in entries if MASTERS in entry.get("groups", ())), None)
    if admin is None:
        admin = secrets.token_urlsafe(32)
        entries.insert(0, {"token": admin, "user": ADMIN, "uid": str(uuid.uuid4()), "groups": [MASTERS]})
        write_private(path, json.dumps(entries, indent=1).encode() + b"\n")
    path.chmod(0o600)
    return StaticTokens({entry["token"]: _user(entry) for entry in entries}, admin)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValueError:
        path.replace(path.with_name(f"{path.name}.torn"))
        return []
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise KgentsError(
            f"The token file {path} cannot be used",
            why='it is not a list of {"token", "user", "uid", "groups"}',
            fix="Correct it, or remove it to get a new administrator's token.",
        )
    return entries


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict):
        return False
    token, user, groups = entry.get("token"), entry.get("user"), entry.get("groups", [])
    named = isinstance(token, str) and isinstance(user, str) and bool(token) and bool(user)
    return named and isinstance(groups, list) and all(isinstance(group, str) for group in groups)


def _user(entry: dict[str, Any]) -> User:
    groups: Iterable[str] = entry.get("groups", ())
    return User(entry["user"], entry.get("uid", ""), tuple(dict.fromkeys([*groups, ALL_AUTHENTICATED])))
