"""What differs between two states, as people read it and as it is taken back."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kgents.api.governance import changes
from kgents.api.governance.changes import ABSENT, Change, Element

leaf = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab", max_size=2)
named = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("xyz")}, optional={"value": leaf}),
    max_size=3,
    unique_by=lambda item: item["name"],
)
tree = st.recursive(
    leaf | named, lambda inner: st.dictionaries(st.sampled_from("pqr"), inner) | st.lists(inner), max_leaves=12
)
spec = st.dictionaries(st.sampled_from("pqr"), tree)


def lines(before: Any, after: Any) -> list[str]:
    return list(changes.render(changes.between(before, after)))


def test_a_number_that_changes_is_one_line() -> None:
    assert lines({"spec": {"replicas": 2}}, {"spec": {"replicas": 3}}) == ["~ spec.replicas: 2 → 3"]


def test_a_variable_put_first_is_one_change() -> None:
    before = {"spec": {"env": [{"name": "B", "value": "1"}]}}
    after = {"spec": {"env": [{"name": "A", "value": "0"}, {"name": "B", "value": "1"}]}}
    assert lines(before, after) == ['+ spec.env[name=A]: {"name": "A", "value": "0"}']


def test_one_and_true_are_two_things_however_deep() -> None:
    assert lines({"spec": {"config": {"a": 1}}}, {"spec": {"config": {"a": True}}}) == ["~ spec.config.a: 1 → true"]


def test_what_the_server_writes_is_no_change() -> None:
    before = {"metadata": {"uid": "1", "resourceVersion": "1", "managedFields": []}, "status": {"phase": "Pending"}}
    note = {"annotations": {changes.PROPOSAL_ANNOTATION: "default/x/1"}}
    after = {"metadata": {"uid": "2", "resourceVersion": "9", **note}, "status": {"phase": "Running"}}
    assert changes.between(before, after) == []


def test_secrets_are_hidden_from_the_reader_and_not_from_the_digest() -> None:
    def env(value: str) -> dict[str, Any]:
        return {"spec": {"env": [{"name": "API_TOKEN", "value": value}]}}

    one, other = changes.between(env("a"), env("b")), changes.between(env("a"), env("c"))
    assert list(changes.render(one)) == ["~ spec.env[name=API_TOKEN].value: [redacted] → [redacted]"]
    assert changes.digest(one) != changes.digest(other)


def test_a_deletion_is_one_change_of_the_whole() -> None:
    assert changes.between({"spec": {}}, ABSENT) == [Change((), {"spec": {}}, ABSENT)]


def test_a_value_that_somebody_changed_since_is_left_alone() -> None:
    made = changes.between({"spec": {"replicas": 2, "image": "a"}}, {"spec": {"replicas": 3, "image": "b"}})
    restored, moved = changes.reverse({"spec": {"replicas": 5, "image": "b"}}, made)
    assert restored == {"spec": {"replicas": 5, "image": "a"}}
    assert [one.path for one in moved] == [("spec", "replicas")]


def test_paths_overlap_when_one_lies_within_the_other() -> None:
    env = ("spec", "env")
    assert changes.overlap([env], [(*env, Element("name", "A"), "value")])
    assert not changes.overlap([("spec", "image")], [env])


def test_odd_keys_are_quoted_in_a_path() -> None:
    assert changes.path_text(("metadata", "labels", "a.b/c")) == 'metadata.labels["a.b/c"]'


@given(spec, spec)
def test_the_way_back_leads_back(before: Any, after: Any) -> None:
    made = changes.between({"spec": before}, {"spec": after})
    restored, moved = changes.reverse({"spec": after}, made)
    assert not moved
    assert changes.between({"spec": before}, restored) == []


@given(spec, spec)
def test_the_kept_form_is_the_same_changes(before: Any, after: Any) -> None:
    made = changes.between({"spec": before}, {"spec": after})
    assert changes.digest(changes.from_json(changes.to_json(made))) == changes.digest(made)
