"""What is offered, and what is understood of what clients give."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from kgents.api import paths
from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.mcp import offers
from kgents.mcp.offers import OFFERS, by_tool, by_uri


def test_nothing_is_offered_that_decides_or_writes_directly() -> None:
    assert {offer.entry.id for offer in OFFERS if offer.entry.write} == {"pheromones.emit", "proposals.define"}


def test_each_offer_is_the_registrys_own_entry_with_its_own_arguments() -> None:
    for offer in OFFERS:
        assert offer.entry is paths.entry(offer.entry.id)
        said = offer.schema()["properties"]
        assert {one.name: said[one.name]["description"] for one in offer.arguments} == {
            one.name: one.description for one in offer.arguments
        }
        assert {one.name for one in offer.entry.arguments if one.required} <= set(offer.schema()["required"])


@pytest.mark.parametrize("offer", OFFERS, ids=lambda one: one.tool)
def test_schemas_are_json_schemas_that_refuse_what_is_not_in_them(offer: offers.Offer) -> None:
    Draft202012Validator.check_schema(offer.schema())
    errors = list(Draft202012Validator(offer.schema()).iter_errors({"surely": "unknown"}))
    assert any(error.validator == "additionalProperties" for error in errors)


@pytest.mark.parametrize("withheld", ["via", "source", "follow"])
def test_who_speaks_is_not_for_the_client_to_say(withheld: str) -> None:
    assert all(withheld not in offer.schema()["properties"] for offer in OFFERS)
    with pytest.raises(UsageError, match="unknown argument"):
        by_tool("propose_change").understand({"target": "a", "reason": "b", "patch": {}, withheld: "agent-x"})


@pytest.mark.parametrize(
    ("tool", "given", "said"),
    [
        ("show_agent", {}, "agent is missing"),
        ("show_agent", {"agent": ""}, "no name"),
        ("show_agent", {"agent": 7}, "no name"),
        ("show_agent", {"agent": "a\x1b[2J"}, "no name"),
        ("show_agent", {"agent": "a" * 300}, "no name"),
        ("show_agent", {"agent": "x/y"}, "no name"),
        ("explain_why", {"name": "agent/x/y"}, "no name"),
        ("show_agent", {"agent": "x", "namespace": "*"}, "no namespace here"),
        ("list_agents", {"namespace": ["default"]}, "no namespace here"),
        ("list_agents", {"limit": 0}, "from 1 to 500"),
        ("list_agents", {"limit": 501}, "from 1 to 500"),
        ("list_agents", {"limit": "many"}, "must be a number"),
        ("list_agents", {"limit": float("nan")}, "finite"),
        ("list_agents", {"cursor": "-1"}, "cursor is none"),
        ("list_agents", {"cursor": 50}, "cursor is none"),
        ("list_agents", {"cursor": "9" * 30}, "cursor is none"),
        ("read_log", {"agent": "x", "lines": 10**9}, "from 1 to 1000"),
        ("emit_signal", {"type": 5}, "type must be text"),
        ("emit_signal", {}, "type is missing"),
        ("observe_signals", {"minIntensity": {}}, "must be a number"),
        ("list_agents", {"limit\n": 1}, "unknown argument"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(tool: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        by_tool(tool).understand(given)


def test_null_counts_as_left_out() -> None:
    asked = by_tool("list_agents").understand({"limit": None, "cursor": None, "namespace": None})
    assert (asked.start, asked.limit, asked.namespace) == (0, offers.PAGE, None)


def test_a_uri_is_its_offer_with_what_it_says() -> None:
    offer, given = by_uri("kgents://agents/worker?namespace=other")
    assert (offer.entry.id, given) == ("agents.get", {"agent": "worker", "namespace": "other"})
    offer, given = by_uri("kgents://pheromones?type=WARNING&type=CHAOS&limit=3")
    assert offer.entry.id == "pheromones.sense"
    assert offer.understand(given).arguments == {"type": ["WARNING", "CHAOS"]}
    assert by_uri("kgents://cluster/status")[0].entry.id == "cluster.manifest"


def test_a_uri_names_no_other_path_than_its_own() -> None:
    offer, given = by_uri("kgents://agents/x.suspend%2Fy")
    with pytest.raises(UsageError):
        offer.understand(given)


@pytest.mark.parametrize(
    "uri", ["", "kgents://", "file:///etc/passwd", "kgents://agents/a/b", "kgents://secrets", "http://[", "agents"]
)
def test_other_uris_are_not_there(uri: str) -> None:
    with pytest.raises(NotFound):
        by_uri(uri)


def test_a_tool_that_is_not_there_is_told_from_those_that_are() -> None:
    with pytest.raises(KgentsError, match="there are list_agents"):
        by_tool("approve")
