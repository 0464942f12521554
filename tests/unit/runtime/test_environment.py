"""What a container's environment and command line are made of."""

from __future__ import annotations

from typing import Any

import pytest

from kgents.embedded.runtime.environment import Missing, command_line, expand, field, of_container, of_services

POD: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"app": "x", "a/b": "c"}},
    "spec": {"serviceAccountName": "sa"},
    "status": {"podIP": "127.77.16.1"},
}


def _env(container: dict[str, Any], **known: dict[str, str]) -> dict[str, str]:
    return of_container(POD, container, {}, lambda _kind, name: known.get(name))


@pytest.mark.parametrize(
    ("text", "meant"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$(B)", "$(B)"), ("$A", "$A"), ("a$", "a$"), ("$(A", "$(A"), ("$$$(A)", "$1")],
)
def test_references_are_replaced_as_kubernetes_does(text: str, meant: str) -> None:
    assert expand(text, {"A": "1"}) == meant


def test_a_later_variable_sees_the_earlier_ones() -> None:
    env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}, {"name": "A", "value": "$(B)3"}]
    assert _env({"env": env})["A"] == "123"


def test_names_that_no_shell_would_take_are_left_out_of_env_from() -> None:
    found = _env({"envFrom": [{"configMapRef": {"name": "m"}}]}, m={"good": "1", "not good": "2"})
    assert "good" in found
    assert "not good" not in found


def test_what_is_optional_may_be_missing() -> None:
    reference = {"name": "none", "key": "k", "optional": True}
    found = _env({"env": [{"name": "A", "valueFrom": {"secretKeyRef": reference}}]})
    assert "A" not in found


def test_what_is_not_optional_is_missed_by_its_name() -> None:
    with pytest.raises(Missing, match='secret "none" not found'):
        _env({"envFrom": [{"secretRef": {"name": "none"}}]})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "p"),
        ("metadata.labels['a/b']", "c"),
        ("metadata.labels", 'a/b="c"\napp="x"'),
        ("spec.serviceAccountName", "sa"),
        ("status.podIPs", "127.77.16.1"),
        ("status.nothing", ""),
    ],
)
def test_the_downward_api_tells_fields(path: str, value: str) -> None:
    assert field(POD, path) == value


def test_services_are_named_as_kubernetes_names_them() -> None:
    ports = [{"port": 80, "name": "http"}, {"port": 53, "protocol": "UDP"}]
    found = of_services([{"metadata": {"name": "my-db"}, "spec": {"clusterIP": "127.77.1.5", "ports": ports}}])
    assert found["MY_DB_SERVICE_HOST"] == "127.77.1.5"
    assert found["MY_DB_SERVICE_PORT_HTTP"] == "80"
    assert found["MY_DB_PORT_53_UDP"] == "udp://127.77.1.5:53"


def test_headless_services_have_no_variables() -> None:
    assert not of_services([{"metadata": {"name": "x"}, "spec": {"clusterIP": "None", "ports": [{"port": 1}]}}])


def test_arguments_without_a_command_are_no_command() -> None:
    assert command_line({"args": ["x"]}, {}) == []


def test_a_hostname_of_its_own_is_told() -> None:
    pod = {"metadata": {"name": "work-0-abcde", "namespace": "lab"}, "spec": {"hostname": "work-0"}}
    assert of_container(pod, {}, {}, lambda _resource, _name: None)["HOSTNAME"] == "work-0"
