from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from kgents.embedded.runtime.services import Port, explain, ports_of, ready_endpoints

Object = dict[str, Any]


def service(**spec: Any) -> Object:
    return {"metadata": {"name": "web"}, "spec": {"clusterIP": "127.77.1.2", "ports": [{"port": 80}], **spec}}


def part(*endpoints: Object, ports: list[Object] | None = None, kind: str = "IPv4") -> Object:
    return {
        "metadata": {"name": "web-1"},
        "addressType": kind,
        "endpoints": list(endpoints),
        "ports": ports or [{"port": 8080}],
    }


def at(address: str, ready: bool | None = True) -> Object:
    return {"addresses": [address], "conditions": {} if ready is None else {"ready": ready}}


def test_a_service_is_listened_on_at_its_address() -> None:
    assert ports_of(service()) == [Port("127.77.1.2", 80, "", "TCP")]


@pytest.mark.parametrize("address", ["None", "", "10.96.0.1", "fd00::1"])
def test_addresses_of_other_clusters_are_left_alone(address: str) -> None:
    assert ports_of(service(clusterIP=address)) == []


def test_an_external_name_is_not_listened_on() -> None:
    assert ports_of(service(type="ExternalName")) == []


def test_only_ready_endpoints_count_and_an_untold_condition_is_ready() -> None:
    parts = [part(at("127.77.16.1"), at("127.77.16.2", False), at("127.77.16.3", None))]
    assert ready_endpoints(parts, "") == (("127.77.16.1", 8080), ("127.77.16.3", 8080))


def test_an_endpoint_in_two_slices_counts_once() -> None:
    assert ready_endpoints([part(at("127.77.16.1"))] * 2, "") == (("127.77.16.1", 8080),)


def test_ports_are_matched_by_name_and_protocol() -> None:
    served = [{"name": "x", "port": 1}, {"name": "y", "port": 2}, {"name": "x", "port": 3, "protocol": "UDP"}]
    assert ready_endpoints([part(at("127.77.16.1"), ports=served)], "x") == (("127.77.16.1", 1),)


def test_slices_of_other_address_types_are_left_out() -> None:
    assert ready_endpoints([part(at("::1"), kind="IPv6"), part(at("a.example"), kind="FQDN")], "") == ()


def test_a_port_below_1024_is_explained() -> None:
    reason, message = explain(("127.77.1.2", 80), PermissionError(errno.EACCES, "denied"), None)
    assert reason == "PortForbidden"
    assert "1024" in message


def test_other_troubles_are_told_as_the_system_tells_them() -> None:
    trouble = OSError(errno.EADDRNOTAVAIL, os.strerror(errno.EADDRNOTAVAIL))
    assert "assign requested address" in explain(("127.77.1.2", 80), trouble, None)[1]
