from __future__ import annotations

from typing import Any

from kgents.embedded.auth import bootstrap


def default(kind: str, name: str) -> dict[str, Any]:
    return next(one for one in bootstrap.objects() if (one["kind"], one["metadata"]["name"]) == (kind, name))


def test_a_role_that_gathers_shows_what_it_gathered() -> None:
    view = default("ClusterRole", "system:aggregate-to-view")["rules"]
    assert default("ClusterRole", "view")["rules"] == view
    assert all(rule in default("ClusterRole", "admin")["rules"] for rule in view)


def test_an_older_hive_gets_the_rules_that_are_new() -> None:
    wanted = default("ClusterRole", "system:discovery")
    found = bootstrap.updated({**wanted, "rules": []}, wanted)
    assert found is not None
    assert found["rules"] == wanted["rules"]


def test_a_role_that_somebody_took_over_is_left_alone() -> None:
    wanted = default("ClusterRole", "system:discovery")
    metadata = {**wanted["metadata"], "annotations": {bootstrap.AUTOUPDATE: "false"}}
    assert bootstrap.updated({**wanted, "rules": [], "metadata": metadata}, wanted) is None


def test_what_lacks_nothing_is_not_written_again() -> None:
    assert all(bootstrap.updated(one, one) is None for one in bootstrap.objects())
