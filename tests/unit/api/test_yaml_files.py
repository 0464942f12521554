"""YAML holds what JSON holds: dates are text, and a small file is no large one."""

from __future__ import annotations

import pytest
import yaml

from kgents.api import patching, yaml_files
from kgents.api.errors import UsageError

BOMB = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)}, ' * 9}]\n" for n in range(9))


def test_a_date_is_the_text_that_stands_there() -> None:
    assert yaml_files.documents("a: 2026-01-01\nb: !!timestamp 2026-01-01") == [{"a": "2026-01-01", "b": "2026-01-01"}]


def test_numbers_are_numbers_and_aliases_stand_for_what_they_name() -> None:
    assert yaml_files.documents("a: &a [1, 0.5, true]\nb: *a\n---\n[]") == [
        {"a": [1, 0.5, True], "b": [1, 0.5, True]}, []
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["a: !!set {x}", "a: !!binary aGk=", "a: !!python/object:os.system {}"])
def test_what_json_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="could not determine a constructor"):
        yaml_files.documents(text)


@pytest.mark.parametrize("text", [BOMB, "a: &a [*a]"], ids=["large", "endless"])
def test_aliases_stand_for_no_more_than_can_be_sent(text: str) -> None:
    with pytest.raises(ValueError, match="more than a million"):
        yaml_files.documents(text)


@pytest.mark.parametrize("text", [BOMB, "a: 1\n---\nb: 2", "a: !!set {x}", ""])
def test_a_change_is_one_partial_object(text: str) -> None:
    with pytest.raises(UsageError, match="--patch holds"):
        patching.whole(text, "--patch")


def test_what_json_does_not_have_stays_text_in_a_change() -> None:
    assert patching.parts(None, None, ["replicas=NaN", "a=null"]) == {"spec": {"replicas": "NaN", "a": None}}
