"""What kubectl complains of, as what it means for the next step."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from kgents.api.errors import KgentsError, NotFound, Refused
from kgents.api.kinds import AGENT
from kgents.api.operations.requests import Get, List
from kgents.glass.answer import NextLayer
from kgents.glass.kubectl import Kubectl


def fake(tmp_path: Path, script: str) -> Kubectl:
    binary = tmp_path / "kubectl"
    binary.write_text(f"#!/bin/sh\n{script}\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return Kubectl("lab", str(binary), patience=0.5)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ('Error from server (NotFound): agents.kgents.io "x" not found', NotFound),
        ("Error from server (Forbidden): agents.kgents.io is forbidden", Refused),
        ("error: You must be logged in to the server (Unauthorized)", Refused),
        ("Error from server (Invalid): spec.replicas: Invalid value", KgentsError),
        ("Error from server (ServiceUnavailable): the server is currently unable", NextLayer),
        ("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?", NextLayer),
        ("Unable to connect to the server: dial tcp: lookup nowhere: no such host", NextLayer),
        ("Unable to connect to the server: net/http: TLS handshake timeout", NextLayer),
        ('error: the server doesn\'t have a resource type "agents"', NextLayer),
        ('error: context "nope" does not exist', NextLayer),
        ("error: EOF", NextLayer),
        ("error: error reading input for Password", NextLayer),
    ],
)
def test_each_complaint_means_its_own(tmp_path: Path, said: str, error: type[Exception]):
    complaint = tmp_path / "said"
    complaint.write_text(said)
    with pytest.raises(error):
        fake(tmp_path, f"cat {complaint} >&2; exit 1").send(Get(AGENT, "x", "default"))


def test_it_asks_with_context_namespace_and_a_time_limit(tmp_path: Path):
    kubectl = fake(tmp_path, f'echo "$@" > {tmp_path}/args; echo \'{{"items":[]}}\'')
    assert kubectl.send(List(AGENT, "lab")) == []
    assert (tmp_path / "args").read_text().split() == (
        ["--context", "lab", "get", "agents.kgents.io", "-n", "lab", "-o", "json", "--request-timeout=0.5s"]
    )


def test_one_that_hangs_is_passed_over(tmp_path: Path):
    with pytest.raises(NextLayer, match="no answer within"):
        fake(tmp_path, "exec sleep 60").send(List(AGENT))


def test_garbage_is_passed_over(tmp_path: Path):
    with pytest.raises(NextLayer, match="no JSON"):
        fake(tmp_path, "echo hello").send(List(AGENT))
