from __future__ import annotations

import gzip
from typing import Any

import orjson

from kgents.embedded.schema.openapi import OpenApi, Resource
from tests.unit.schema.plants import SPEC, schema_of

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


def plants(**changes: Any) -> Resource:
    schema = schema_of({**SPEC, **changes})
    return Resource("grow.example.com", "v1", "Plant", "plants", "plant", True, "PlantList", VERBS, ("status",), schema)


MAPS = Resource("", "v1", "ConfigMap", "configmaps", "configmap", True, "ConfigMapList", VERBS)


def documents(*resources: Resource) -> OpenApi:
    return OpenApi(lambda: resources)


def read(api: OpenApi, path: str) -> dict[str, Any]:
    found = api.document(path)
    assert found is not None
    document: dict[str, Any] = orjson.loads(gzip.decompress(found[0]))
    return document


def test_the_index_names_every_group_version() -> None:
    paths = orjson.loads(documents(plants(), MAPS).index())["paths"]
    assert sorted(paths) == ["api/v1", "apis/grow.example.com/v1"]
    assert paths["api/v1"]["serverRelativeURL"].startswith("/openapi/v3/api/v1?hash=")


def test_a_custom_resource_is_described() -> None:
    schema = read(documents(plants()), "apis/grow.example.com/v1")["components"]["schemas"]["com.example.grow.v1.Plant"]
    spec = schema["properties"]["spec"]["properties"]
    assert spec["port"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert schema["properties"]["metadata"]["allOf"][0]["$ref"].endswith("meta.v1.ObjectMeta")
    assert schema["x-kubernetes-group-version-kind"] == [
        {"group": "grow.example.com", "version": "v1", "kind": "Plant"}
    ]


def test_every_reference_leads_somewhere() -> None:
    for path in ("api/v1", "apis/grow.example.com/v1"):
        document = read(documents(plants(), MAPS), path)
        known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
        assert _references(document) <= known


def test_swagger_references_lead_somewhere_too() -> None:
    document = orjson.loads(gzip.decompress(documents(plants(), MAPS).v2()))
    known = {f"#/definitions/{name}" for name in document["definitions"]}
    assert document["swagger"] == "2.0"
    assert _references(document) <= known


def _references(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_references, value))
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*map(_references, value.values()))


def test_paths_tell_what_kubectl_looks_for() -> None:
    paths = read(documents(plants()), "apis/grow.example.com/v1")["paths"]
    patch = paths["/apis/grow.example.com/v1/namespaces/{namespace}/plants/{name}"]["patch"]
    assert "fieldValidation" in [one["name"] for one in patch["parameters"]]
    assert patch["x-kubernetes-group-version-kind"]["kind"] == "Plant"


def test_the_hash_follows_the_schema() -> None:
    served = [plants()]
    api = OpenApi(lambda: served)
    before = api.index()
    served[0] = plants(description="changed")
    assert api.index() == before
    api.invalidate()
    assert api.index() != before


def test_what_is_not_served_has_no_document() -> None:
    assert documents(MAPS).document("apis/nope/v1") is None


def test_only_builtin_kinds_take_strategic_patches() -> None:
    api = documents(plants(), MAPS)
    for path, offered in (
        ("apis/grow.example.com/v1/namespaces/{namespace}/plants", False),
        ("api/v1/namespaces/{namespace}/configmaps", True),
    ):
        document = read(api, path.partition("/namespaces")[0])
        body = document["paths"][f"/{path}/{{name}}"]["patch"]["requestBody"]
        assert ("application/strategic-merge-patch+json" in body["content"]) is offered
