from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kgents.embedded.controllers.namespaces import Remains, conditions_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_what_is_left_and_what_it_waits_for_is_named() -> None:
    remains = Remains({"pods.": 2}, {"example.com/hold": 1})

    stated = {item["type"]: item for item in conditions_of({}, remains, NOW)}

    assert stated["NamespaceContentRemaining"]["message"].endswith("pods. has 2 resource instances")
    assert "example.com/hold in 1 resource instances" in stated["NamespaceFinalizersRemaining"]["message"]
    assert stated["NamespaceDeletionContentFailure"]["status"] == "False"


def test_an_unanswered_group_counts_as_something_left() -> None:
    assert Remains(failures=["some API groups did not answer"])
    assert not Remains()


def test_the_same_remains_keep_their_time() -> None:
    first = conditions_of({}, Remains({"pods.": 1}), NOW)

    again = conditions_of({"status": {"conditions": first}}, Remains({"pods.": 1}), NOW + timedelta(hours=1))

    assert again == first
