"""Paths, selectors, JSONPaths and ages are read and written as Kubernetes does."""

from __future__ import annotations

import pytest

from kgents.embedded.apiserver.age import duration
from kgents.embedded.apiserver.errors import StatusError
from kgents.embedded.apiserver.jsonpath import find
from kgents.embedded.apiserver.registry import version_rank
from kgents.embedded.apiserver.requests import parse
from kgents.embedded.apiserver.selectors import Selector, parse_labels


@pytest.mark.parametrize(
    ("method", "path", "meaning"),
    [
        ("GET", "/api/v1/pods", ("list", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/pods?watch=true", ("watch", "", "v1", "", "pods", "", "")),
        ("GET", "/api/v1/namespaces/n", ("get", "", "v1", "n", "namespaces", "n", "")),
        ("PUT", "/api/v1/namespaces/n/finalize", ("update", "", "v1", "n", "namespaces", "n", "finalize")),
        ("PATCH", "/apis/g.io/v2/namespaces/n/as/x/status", ("patch", "g.io", "v2", "n", "as", "x", "status")),
        ("DELETE", "/apis/g.io/v2/as", ("deletecollection", "g.io", "v2", "", "as", "", "")),
        ("GET", "/apis/g.io/v2", ("get", "", "", "", "", "", "")),
    ],
)
def test_a_request_line_says_what_is_wanted(method: str, path: str, meaning: tuple[str, ...]) -> None:
    info = parse(method, path)
    got = (info.verb, info.group, info.version, info.namespace, info.resource, info.name, info.subresource)
    assert got == meaning


@pytest.mark.parametrize(
    ("selector", "matched"),
    [("a=1", True), ("a!=1", False), ("a in (1,2),!b", True), ("b", False), ("a notin (3)", True), ("a>0", True)],
)
def test_label_selectors_choose(selector: str, matched: bool) -> None:
    assert Selector(parse_labels(selector)).matches({"a": "1"}, lambda _: "") is matched


@pytest.mark.parametrize(
    ("selector", "told"),
    [
        ("-a=b", 'requirement: <nil>: Invalid value: "-a": name part must consist of'),
        ("a=-b", 'requirement: values[0][a]: Invalid value: "-b": a valid label must be'),
        (
            "a>1x",
            "requirement: values[0]: Invalid value: \"1x\": for 'Gt', 'Lt' operators, the value must be an integer",
        ),
        ("a in (c,b-,-a)", 'requirement: [values[0][a]: Invalid value: "-a": a valid label must be'),
        ("a in (c,b-,-a)", ', values[1][a]: Invalid value: "b-": a valid label must be'),
    ],
)
def test_what_no_label_can_be_is_told_with_its_place(selector: str, told: str) -> None:
    with pytest.raises(StatusError) as refused:
        parse_labels(selector)
    assert told in str(refused.value)


@pytest.mark.parametrize("selector", ["a in x", "a=not valid!", "a,", "=x", "a in (b"])
def test_broken_selectors_are_refused(selector: str) -> None:
    with pytest.raises(StatusError):
        parse_labels(selector)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.size", [3]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".spec.list[1]", ["b"]),
        (".spec.list[*]", ["a", "b"]),
        (r".metadata.annotations.a\.b/c", ["x"]),
        (".spec.nothing", []),
    ],
)
def test_json_paths_find(path: str, found: list[object]) -> None:
    conditions = [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]
    spec, status = {"size": 3, "list": ["a", "b"]}, {"conditions": conditions}
    assert find(path, {"metadata": {"annotations": {"a.b/c": "x"}}, "spec": spec, "status": status}) == found


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (119, "119s"), (187, "3m7s"), (600, "10m"), (3 * 86400 + 3600, "3d1h")]
)
def test_ages_are_as_kubectl_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_versions_are_preferred_by_stability_then_number() -> None:
    names = ["v1alpha1", "v2", "v1beta1", "x1", "v10", "v1"]
    assert sorted(names, key=version_rank) == ["v10", "v2", "v1", "v1beta1", "v1alpha1", "x1"]
