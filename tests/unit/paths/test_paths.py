"""The registry decides what a path means, and says so when it cannot."""

from __future__ import annotations

import pytest

from kgents.api.entries import Argument, Entry
from kgents.api.errors import NotFound, UsageError
from kgents.api.paths import CONTEXTS, REGISTRY, entry, path_of, resolve


def test_the_last_segment_is_the_aspect():
    assert resolve("world.cluster.agents.manifest").entry.id == "agents.list"
    found = resolve("world.cluster.agents.scholar.manifest")
    assert (found.entry.id, found.bindings) == ("agents.get", {"agent": "scholar"})


def test_an_agent_may_be_called_manifest():
    found = resolve("world.cluster.agents.manifest.manifest")
    assert (found.entry.id, found.bindings) == ("agents.get", {"agent": "manifest"})
    assert resolve("world.cluster.agents.manifest.suspend").bindings == {"agent": "manifest"}


@pytest.mark.parametrize("one", REGISTRY, ids=lambda one: one.id)
def test_every_path_resolves_to_itself_whatever_its_names(one: Entry):
    for name in ("scholar", "manifest", "agents", "cluster"):
        bindings = dict.fromkeys(one.names, name)
        found = resolve(one.path(**bindings))
        assert (found.entry, found.bindings) == (one, bindings)


def test_every_path_stands_in_a_context_and_ids_are_unique():
    assert {one.segments[0] for one in REGISTRY} <= set(CONTEXTS)
    assert len({one.id for one in REGISTRY}) == len(REGISTRY)


def test_a_true_ambiguity_lists_the_readings():
    rivals = (Entry("a", "world.<agent>.manifest", "an agent", "x"), Entry("b", "world.cluster.manifest", "it", "y"))
    with pytest.raises(UsageError, match=r"world\.<agent>\.manifest.*world\.cluster\.manifest"):
        resolve("world.cluster.manifest", rivals)


def test_a_path_without_its_aspect_is_told_which_could_follow():
    with pytest.raises(NotFound, match=r"it could be .*<agent>\.manifest"):
        resolve("world.cluster.agents.scholar")


def test_an_unknown_context_lists_the_five():
    with pytest.raises(NotFound, match="world, self, concept, void, time"):
        resolve("heaven.cluster.manifest")


@pytest.mark.parametrize("path", ["", "world", "world..manifest", ".", "world.cluster."])
def test_what_is_no_path_is_a_usage_error(path: str):
    with pytest.raises(UsageError, match="not a path"):
        resolve(path)


def test_arguments_are_typed_from_what_people_write():
    parsed = entry("pheromones.emit").parse({"type": "WARNING", "intensity": "0.5"})
    assert parsed == {"type": "WARNING", "intensity": 0.5}
    assert entry("agents.witness").parse({"follow": "true", "tail": "10"}) == {"follow": True, "tail": 10}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "type is missing"),
        ({"type": "TEST", "colour": "red"}, "unknown argument colour"),
        ({"type": "TEST", "intensity": "strong"}, "intensity must be a number"),
        ({"type": "TEST", "intensity": "nan"}, "finite"),
        ({"type": 7}, "type must be text"),
    ],
)
def test_a_wrong_argument_is_named(given: dict[str, object], says: str):
    with pytest.raises(UsageError, match=says):
        entry("pheromones.emit").parse(given)


@pytest.mark.parametrize(
    ("type", "value"), [("integer", "1.5"), ("boolean", "maybe"), ("object", "[]"), ("list", "{}")]
)
def test_each_type_refuses_another(type: str, value: str):
    with pytest.raises(UsageError):
        Argument("x", type, "").parse(value)  # type: ignore[arg-type]


def test_an_affordance_is_the_pattern_with_stars_for_names():
    assert entry("agents.suspend").affordance == "world.cluster.agents.*.suspend"


def test_a_path_is_made_from_its_id():
    assert path_of("agents.suspend", agent="scholar") == "world.cluster.agents.scholar.suspend"
