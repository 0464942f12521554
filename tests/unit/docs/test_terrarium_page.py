"""docs/terrarium.md shows what Terrarium is: its pictures are the accepted ones, its keys those of the bindings."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

IMAGES = Path(__file__).parents[3] / "docs/images"
AGAIN = "run python docs/images/gallery.py"


@pytest.fixture
def gallery(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(IMAGES))
    return import_module("gallery")


def test_its_pictures_are_the_accepted_ones(gallery: ModuleType) -> None:
    names = gallery.shown()
    assert len(names) > 10
    assert {path.stem for path in gallery.PICTURES.iterdir()} == set(names), AGAIN
    for name in names:
        assert (gallery.PICTURES / f"{name}.svg").read_text() == gallery.picture(name), f"{name}: {AGAIN}"


def test_its_keys_are_those_of_the_bindings(gallery: ModuleType) -> None:
    _, _, rest = gallery.PAGE.read_text().partition(gallery.BEGIN)
    table, end, _ = rest.partition(gallery.END)
    assert end
    assert table == gallery.keys(), AGAIN


@pytest.mark.parametrize("path", sorted(IMAGES.rglob("*.svg")), ids=lambda path: path.name)
def test_a_picture_fetches_nothing(path: Path) -> None:
    drawn = path.read_text()
    assert "@font-face" not in drawn
    assert not re.search(r"url\((?!#)|(?:href|src)=", drawn)
