"""The paths of a resource with their operations, as far as clients look at them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgents.embedded.schema.openapi_convert import V2_PREFIX, V3_PREFIX

if TYPE_CHECKING:
    from kgents.embedded.schema.openapi import Resource

PATCH_TYPES = ("application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json")
STRATEGIC = "application/strategic-merge-patch+json"
"""Only for built-in kinds; kubectl decides by this list how `kubectl apply` patches."""
QUERY = {
    "dryRun": ("string", "When present, indicates that modifications should not be persisted."),
    "fieldManager": ("string", "The name of the actor or entity that is making these changes."),
    "fieldValidation": ("string", "How to treat unknown or duplicate fields: Ignore, Warn or Strict."),
    "force": ("boolean", "Force is going to force Apply requests: re-acquire conflicting fields."),
    "labelSelector": ("string", "A selector to restrict the list of returned objects by their labels."),
    "fieldSelector": ("string", "A selector to restrict the list of returned objects by their fields."),
    "limit": ("integer", "The maximum number of responses to return for a list call."),
    "continue": ("string", "Retrieves the next page of a list."),
    "resourceVersion": ("string", "Sets a constraint on what resource versions a request may be served from."),
    "watch": ("boolean", "Watch for changes to the described resources."),
}
WRITE = ("dryRun", "fieldManager", "fieldValidation")
OPERATIONS: dict[str, tuple[str, str, str, tuple[str, ...]]] = {
    "list": (
        "get",
        "list",
        "List",
        ("labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "watch"),
    ),
    "create": ("post", "post", "", WRITE),
    "deletecollection": ("delete", "deletecollection", "Status", ("labelSelector", "fieldSelector", "dryRun")),
    "get": ("get", "get", "", ()),
    "update": ("put", "put", "", WRITE),
    "patch": ("patch", "patch", "", (*WRITE, "force")),
    "delete": ("delete", "delete", "Status", ("dryRun",)),
}
"""Verb → (method, x-kubernetes-action, kind of the answer, query parameters)."""
ON_COLLECTION = ("list", "create", "deletecollection")
STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
BODIES = ("create", "update", "patch")


def resource_paths(resource: Resource, definition: str, form: str) -> dict[str, Any]:
    """Path → path item, for the resource and its subresources; `form` is `v2` or `v3`."""
    base = f"/{resource.path}"
    scoped = f"{base}/namespaces/{{namespace}}" if resource.namespaced else base
    collection = f"{scoped}/{resource.plural}"
    item = f"{collection}/{{name}}"
    paths: dict[str, Any] = {}
    if resource.namespaced and "list" in resource.verbs:
        paths[f"{base}/{resource.plural}"] = _item(resource, ("list",), definition, form, ())
    where = ("namespace",) if resource.namespaced else ()
    paths[collection] = _item(resource, ON_COLLECTION, definition, form, where)
    single = tuple(verb for verb in OPERATIONS if verb not in ON_COLLECTION)
    paths[item] = _item(resource, single, definition, form, (*where, "name"))
    for subresource in resource.subresources:
        if subresource in ("status", "scale"):
            paths[f"{item}/{subresource}"] = _item(
                resource, ("get", "update", "patch"), definition, form, (*where, "name")
            )
    return {path: one for path, one in paths.items() if len(one) > 1}


def _item(
    resource: Resource, verbs: tuple[str, ...], definition: str, form: str, where: tuple[str, ...]
) -> dict[str, Any]:
    parameters = [_parameter(name, "path", "string", f"{name} of the {resource.kind}", form) for name in where]
    item: dict[str, Any] = {"parameters": parameters}
    for verb in verbs:
        if verb in resource.verbs:
            item[OPERATIONS[verb][0]] = _operation(resource, verb, definition, form)
    return item


def _operation(resource: Resource, verb: str, definition: str, form: str) -> dict[str, Any]:
    _, action, answer, query = OPERATIONS[verb]
    name = STATUS if answer == "Status" else definition + answer
    parameters = [_parameter(one, "query", *QUERY[one], form) for one in query]
    operation: dict[str, Any] = {
        "tags": [f"{resource.group or 'core'}_{resource.version}"],
        "description": f"{action} {resource.kind}",
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": resource.gvk,
    }
    types: tuple[str, ...] = ("application/json", "application/yaml")
    if verb == "patch":
        types = PATCH_TYPES if resource.schema is not None else (*PATCH_TYPES, STRATEGIC)
    if form == "v3":
        schema = {"$ref": V3_PREFIX + name}
        content = {"application/json": {"schema": schema}}
        operation["responses"] = {"200": {"description": "OK", "content": content}}
        if verb in BODIES:
            body = {"type": "object"} if verb == "patch" else {"$ref": V3_PREFIX + definition}
            operation["requestBody"] = {"required": True, "content": {kind: {"schema": body} for kind in types}}
    else:
        operation["responses"] = {"200": {"description": "OK", "schema": {"$ref": V2_PREFIX + name}}}
        operation["produces"] = ["application/json"]
        operation["consumes"] = list(types) if verb in BODIES else ["*/*"]
        if verb in BODIES:
            body = {"type": "object"} if verb == "patch" else {"$ref": V2_PREFIX + definition}
            parameters.insert(0, {"name": "body", "in": "body", "required": True, "schema": body})
    if parameters:
        operation["parameters"] = parameters
    return operation


def _parameter(name: str, place: str, kind: str, text: str, form: str) -> dict[str, Any]:
    parameter: dict[str, Any] = {"name": name, "in": place, "description": text}
    if place == "path":
        parameter["required"] = True
    if form == "v3":
        parameter["schema"] = {"type": kind, "uniqueItems": True}
    else:
        parameter |= {"type": kind, "uniqueItems": True}
    return parameter
