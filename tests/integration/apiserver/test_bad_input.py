"""Malformed requests are refused with a reason; none of them is an internal error."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.player import Client
from tests.support.hive import HiveApi

N = "/api/v1/namespaces/default"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.mark.parametrize(
    ("method", "path", "raw", "media", "code"),
    [
        ("POST", f"{N}/configmaps", "[]", "application/json", 400),
        ("POST", f"{N}/configmaps", '{"metadata": null}', "application/json", 422),
        ("POST", f"{N}/configmaps", '{"metadata": {"name": "a", "labels": ["x"]}}', "application/json", 400),
        ("POST", f"{N}/configmaps", '{"metadata": {"name": "' + "x" * 300 + '"}}', "application/json", 422),
        ("POST", f"{N}/configmaps", "[" * 100_000, "application/json", 400),
        ("POST", f"{N}/configmaps", "a: [", "application/yaml", 400),
        ("POST", f"{N}/configmaps", "k8s\0\1\1", "application/vnd.kubernetes.protobuf", 400),
        ("POST", f"{N}/configmaps", '{"data": {"a": "' + "x" * (4 << 20) + '"}}', "application/json", 413),
        ("POST", f"{N}/services", '{"metadata": {"name": "s"}}', "application/json", 422),
        ("POST", CRDS, '{"metadata": {"name": "d"}}', "application/json", 422),
        ("POST", CRDS, '{"metadata": {"name": "d"}, "spec": {"versions": [{}]}}', "application/json", 422),
        ("PATCH", f"{N}/configmaps/a", "null", "application/merge-patch+json", 400),
        ("DELETE", f"{N}/configmaps/a", '{"gracePeriodSeconds": "abc"}', "application/json", 400),
        ("GET", f"{N}/configmaps?limit=-5", "", "application/json", 200),
    ],
)
def test_bad_input_gets_its_own_code(
    hive_api: HiveApi, method: str, path: str, raw: str, media: str, code: int
) -> None:
    step: dict[str, Any] = {"method": method, "path": path, "rawBody": raw, "contentType": media}
    assert Client(hive_api).request(step).status == code
