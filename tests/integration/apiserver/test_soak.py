"""A soak as short as it can be: what `make soak` does for half an hour is known to work."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak.run import Soak, text


@pytest.mark.timeout(600)
async def test_a_short_soak_passes(tmp_path: Path) -> None:
    said: list[str] = []
    report = await Soak(tmp_path, seed=7, tell=said.append).run(20)
    assert report.passed, text(report)
    assert report.kills + report.stops > 0 and report.rounds >= 2 and len(said) == report.rounds
