"""A namespace per test, and policies and webhooks that see nothing but that namespace."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.admission.place import Place
from tests.support.hive import HiveApi
from tests.support.webhook import Webhook, serving


@pytest.fixture
def place(hive_api: HiveApi) -> Iterator[Place]:
    """A namespace; what the test registers is taken away behind it."""
    found = Place(hive_api, f"adm-{secrets.token_hex(4)}")
    yield found
    found.clear()


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    """A webhook that allows everything until told otherwise."""
    with serving(tmp_path) as hook:
        yield hook
