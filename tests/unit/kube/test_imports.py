from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"aiohttp", "yaml", "orjson", "ssl", "asyncio", "kubernetes", "cryptography"}


@pytest.mark.parametrize(
    "module", ["kgents.kube.config", "kgents.api.rows", "kgents.api.redact", "kgents.api.conditions"]
)
def test_reading_a_kubeconfig_and_making_rows_load_little(module: str) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True).stdout
    assert HEAVY & {name.partition(".")[0] for name in loaded.split()} == set()
