from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "aiohttp", "asyncio", "cryptography", "email", "grpc", "hashlib", "http", "kubernetes", "logging",
    "orjson", "pytest", "rich", "socket", "sqlite3", "ssl", "subprocess", "tempfile", "typer", "yaml",
    "kgents.api.governance", "kgents.api.operations", "kgents.kube.config", "kgents.sdk.http", "kgents.sdk.testing",
}  # fmt: skip


def loaded(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


def test_importing_the_sdk_loads_nothing_heavy() -> None:
    assert HEAVY & loaded("from kgents import sdk; sdk.Agent") == set()


def test_an_agent_in_a_pod_is_made_without_parsing_yaml() -> None:
    modules = loaded("from kgents import sdk; import kgents.sdk.http, kgents.sdk.login, kgents.kube.config")
    assert {"yaml", "aiohttp", "asyncio", "orjson"} & modules == set()


@pytest.mark.parametrize("part", ["kgents.sdk", "kgents.api", "kgents.infra"])
def test_the_pytest_plugin_costs_those_nothing_who_do_not_use_it(part: str) -> None:
    assert part not in loaded("import kgents.pytest_plugin")
