from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is kept between runs is kept here, and times are shown as they are written."""
    home = tmp_path / "home"
    monkeypatch.setenv("KGENTS_HOME", str(home))
    return home
