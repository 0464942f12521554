from __future__ import annotations

from typing import Any

from kgents.embedded.controllers.endpoint_sets import endpoints, has_selector, selected, slices

from .builders import LABELS, Object, pod


def service(**spec: Any) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    metadata = {"name": "web", "namespace": "lab", "uid": "s-1", "labels": {"team": "x"}}
    return {"metadata": metadata, "spec": {"selector": dict(LABELS), "ports": ports, **spec}}


def at(address: str, **more: Any) -> Object:
    made = pod(f"p{address[-1]}", **more)
    made["status"]["podIP"] = address
    return made


def test_ready_pods_and_others_stand_apart() -> None:
    subsets = endpoints(service(), [at("127.0.0.2"), at("127.0.0.3", ready=False)])["subsets"]

    assert [item["ip"] for item in subsets[0]["addresses"]] == ["127.0.0.2"]
    assert [item["ip"] for item in subsets[0]["notReadyAddresses"]] == ["127.0.0.3"]
    assert subsets[0]["ports"] == [{"port": 8080, "protocol": "TCP", "name": "http"}]


def test_a_pod_without_an_address_or_with_other_labels_is_none() -> None:
    other = at("127.0.0.2", metadata={"labels": {"app": "db"}})

    assert selected(service(), [pod("a"), other]) == []


def test_a_finished_pod_is_no_endpoint() -> None:
    assert selected(service(), [at("127.0.0.2", status={"phase": "Failed"})]) == []


def test_a_dying_pod_leaves_the_endpoints_and_is_marked_in_the_slice() -> None:
    dying = at("127.0.0.2", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})

    assert "subsets" not in endpoints(service(), [dying])
    conditions = slices(service(), [dying])[0]["endpoints"][0]["conditions"]
    assert conditions == {"ready": False, "serving": True, "terminating": True}


def test_who_wants_unready_addresses_gets_them() -> None:
    eager = service(publishNotReadyAddresses=True)

    assert endpoints(eager, [at("127.0.0.2", ready=False)])["subsets"][0]["addresses"]
    assert slices(eager, [at("127.0.0.2", ready=False)])[0]["endpoints"][0]["conditions"]["ready"] is True


def test_a_named_port_is_looked_up_in_each_pod() -> None:
    named = service(ports=[{"port": 80, "targetPort": "web"}])
    first = at("127.0.0.2", spec={"containers": [{"ports": [{"name": "web", "containerPort": 5000}]}]})
    second = at("127.0.0.3", spec={"containers": [{"ports": [{"name": "web", "containerPort": 6000}]}]})
    third = at("127.0.0.4", spec={"containers": [{}]})

    subsets = endpoints(named, [first, second, third])["subsets"]

    assert {(s["addresses"][0]["ip"], s["ports"][0]["port"]) for s in subsets} == {
        ("127.0.0.2", 5000),
        ("127.0.0.3", 6000),
    }


def test_a_service_without_pods_has_one_empty_slice_of_a_steady_name() -> None:
    empty = slices(service(), [])

    assert [part["endpoints"] for part in empty] == [[]]
    assert empty == slices(service(), [])
    assert empty[0]["metadata"]["labels"]["kubernetes.io/service-name"] == "web"


def test_a_thousand_and_one_pods_take_two_slices() -> None:
    pods = []
    for number in range(1001):
        pods.append(pod(f"p{number:04}"))
        pods[-1]["status"]["podIP"] = f"127.1.{number // 256}.{number % 256}"

    parts = slices(service(), pods)

    assert [len(part["endpoints"]) for part in parts] == [1000, 1]
    assert len({part["metadata"]["name"] for part in parts}) == 2


def test_only_services_with_selectors_are_ours() -> None:
    assert has_selector(service())
    assert not has_selector(service(selector=None))
    assert not has_selector(service(type="ExternalName"))


def test_endpoints_go_with_their_service() -> None:
    for made in (endpoints(service(), []), *slices(service(), [])):
        assert made["metadata"]["ownerReferences"][0]["uid"] == "s-1"
