from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError
from kgents.embedded.auth.tokens import ensure_tokens


def test_the_first_start_makes_an_administrator(tmp_path: Path) -> None:
    made = ensure_tokens(tmp_path / "tokens.json")

    admin = made.lookup(made.admin_token)

    assert admin is not None
    assert (admin.name, admin.groups) == ("kubernetes-admin", ("system:masters", "system:authenticated"))
    assert stat.S_IMODE((tmp_path / "tokens.json").stat().st_mode) == 0o600


def test_the_next_start_keeps_the_token(tmp_path: Path) -> None:
    first = ensure_tokens(tmp_path / "tokens.json")

    assert ensure_tokens(tmp_path / "tokens.json").admin_token == first.admin_token


def test_a_torn_file_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('[{"token": "abc", "us')

    made = ensure_tokens(tmp_path / "tokens.json")

    assert made.lookup(made.admin_token)
    assert (tmp_path / "tokens.json.torn").exists()


def test_a_file_of_another_shape_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('{"admin": "secret"}')

    with pytest.raises(KgentsError, match=r"tokens\.json cannot be used"):
        ensure_tokens(tmp_path / "tokens.json")


def test_own_tokens_stay_beside_a_new_administrator(tmp_path: Path) -> None:
    mine = {"token": "abc", "user": "jo", "groups": ["dev"]}
    (tmp_path / "tokens.json").write_text(json.dumps([mine]))

    made = ensure_tokens(tmp_path / "tokens.json")

    jo = made.lookup("abc")
    assert jo is not None
    assert jo.groups == ("dev", "system:authenticated")
    assert made.admin_token != "abc"
