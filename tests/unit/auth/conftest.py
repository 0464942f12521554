"""A hive's keys, one account, and an authorizer over the default roles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kgents.embedded.auth import bootstrap, pki, tokens
from kgents.embedded.auth.authenticate import Authenticator, ServiceAccountTokens
from kgents.embedded.auth.authorize import Authorizer

Object = dict[str, Any]


@dataclass
class World:
    """Objects in memory, as the server's callables would answer."""

    objects: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    roles: list[Object] = field(default_factory=bootstrap.objects)
    time: float = 1_800_000_000.0

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        return self.objects.get((resource, namespace, name))

    def list(self, resource: str) -> list[Object]:
        return [item for item in self.roles if f"{item['kind'].lower()}s" == resource]

    def add_account(self, name: str = "bot", uid: str = "u-1") -> None:
        self.objects["serviceaccounts", "lab", name] = {"metadata": {"name": name, "namespace": "lab", "uid": uid}}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> pki.Pki:
    return pki.ensure(tmp_path_factory.mktemp("hive") / "pki", ["127.77.0.1"])


@pytest.fixture
def world() -> World:
    made = World()
    made.add_account()
    return made


@pytest.fixture
def accounts(keys: pki.Pki, world: World) -> ServiceAccountTokens:
    return ServiceAccountTokens(keys, world.get, now=lambda: world.time)


@pytest.fixture
def static(tmp_path: Path) -> tokens.StaticTokens:
    return tokens.ensure_tokens(tmp_path / "tokens.json")


@pytest.fixture
def authenticator(static: tokens.StaticTokens, accounts: ServiceAccountTokens) -> Authenticator:
    return Authenticator(static, accounts)


@pytest.fixture
def authorizer(world: World) -> Authorizer:
    return Authorizer(world.list)


@pytest.fixture
def grant(world: World, authorizer: Authorizer) -> Callable[..., None]:
    """`grant(user, *rules, namespace="lab")` gives a role to a user; an empty namespace means the whole cluster."""

    def give(user: str, *rules: Object, namespace: str = "lab") -> None:
        kind = "Role" if namespace else "ClusterRole"
        name = f"r{len(world.roles)}"
        metadata = {"name": name, "namespace": namespace}
        subject = {"kind": "User", "name": user}
        reference = {"kind": kind, "name": name}
        world.roles.append({"kind": kind, "metadata": metadata, "rules": list(rules)})
        world.roles.append(
            {"kind": f"{kind}Binding", "metadata": metadata, "roleRef": reference, "subjects": [subject]}
        )
        authorizer.invalidate()

    return give
