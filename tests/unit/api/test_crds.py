"""The CRDs and examples as files: valid for a real API server, and the same for Go's YAML as for Python's."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kgents.embedded.schema.crd import default_crd, validate_crd
from tests.support import crd_tables

ROOT = Path(__file__).parents[3]
CRDS = sorted((ROOT / "crds").glob("*.yaml"))
FILES = [*CRDS, *sorted((ROOT / "examples").glob("*.yaml"))]


def plain_scalars(node: yaml.Node) -> list[yaml.ScalarNode]:
    if isinstance(node, yaml.ScalarNode):
        return [node] if node.style is None else []
    if isinstance(node, yaml.SequenceNode):
        return [found for child in node.value for found in plain_scalars(child)]
    return [found for pair in node.value for child in pair for found in plain_scalars(child)]


@pytest.mark.parametrize("path", CRDS, ids=lambda path: path.stem)
def test_a_crd_is_valid_and_its_rules_are_cheap(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    default_crd(document)
    assert validate_crd(document) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_letter_is_a_boolean_to_kubectl(path: Path) -> None:
    # Go's YAML takes a bare y or n, of either case, for true or false.
    scalars = plain_scalars(yaml.compose(path.read_text()))
    assert [str(node.start_mark) for node in scalars if node.value in ("y", "Y", "n", "N")] == []


def test_the_page_about_the_kinds_is_current() -> None:
    assert crd_tables.PAGE.read_text() == crd_tables.render(), "run `python -m tests.support.crd_tables`"
