"""How ports are written, and which of them an agent has."""

from __future__ import annotations

import pytest

from kgents.api.errors import UsageError
from kgents.glass.forwarding import Port, own_ports, parse_port

NAMED = {"http": 8080}


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("8080", Port(8080, 8080)),
        ("8080:80", Port(8080, 80)),
        (":80", Port(0, 80)),
        ("0:80", Port(0, 80)),
        ("http", Port(8080, 8080)),
        ("9000:http", Port(9000, 8080)),
        (":http", Port(0, 8080)),
    ],
)
def test_a_port_is_written_as_kubectl_takes_it(text: str, port: Port):
    assert parse_port(text, NAMED) == port


@pytest.mark.parametrize(
    "text", ["", ":", "0", ":0", "80:", "65536", "1:65536", "-1", "+80", "8 0", "٨٠", "80:81:82", "https", "1" * 5000]
)
def test_what_is_no_port_is_refused_with_the_ways_to_write_one(text: str):
    with pytest.raises(UsageError, match="is no port: a port is 8080, 8080:80 or :80"):
        parse_port(text, NAMED)


def test_the_agents_own_ports_are_those_of_tcp():
    ports = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 80}, {"name": "http", "containerPort": 8080}]
    assert own_ports({"ports": ports}) == {"80": 80, "http": 8080}
    assert own_ports({}) == {}
