"""What is wrong with a webhook configuration, told when it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from kgents.embedded.apiserver.names import dns_1035_label, dns_subdomain
from kgents.embedded.apiserver.policies import checks
from kgents.embedded.apiserver.policies.expressions import BASIC
from kgents.embedded.apiserver.policies.rules import check_rules
from kgents.embedded.schema.causes import Cause, duplicate, invalid, not_supported, required

Object = Mapping[str, Any]
SIDE_EFFECTS = ("None", "NoneOnDryRun")
VERSIONS = ("v1", "v1beta1")
URL_FORM = "desired format: https://host[/path]"


def check_configuration(obj: Object) -> list[Cause]:
    """The causes for which a configuration is refused."""
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, hook in enumerate(obj.get("webhooks") or ()):
        at, name = f"webhooks[{index}]", str(hook.get("name") or "")
        if name in seen:
            causes.append(duplicate(f"{at}.name", name))
        seen.add(name)
        causes += _webhook(at, hook)
    return causes


def _webhook(at: str, hook: Object) -> list[Cause]:
    causes = _name(f"{at}.name", hook.get("name"))
    causes += check_rules(f"{at}.rules", hook.get("rules") or [], named=False)
    causes += checks.one_of(f"{at}.failurePolicy", hook.get("failurePolicy"), checks.FAILURE_POLICIES)
    causes += checks.one_of(f"{at}.reinvocationPolicy", hook.get("reinvocationPolicy"), ("IfNeeded", "Never"))
    causes += checks.match(f"{at}.", hook)
    effects = hook.get("sideEffects")
    if effects is None:
        text = "must specify one of None, NoneOnDryRun"
        causes.append(required(f"{at}.sideEffects", text))
    elif effects not in SIDE_EFFECTS:
        causes.append(not_supported(f"{at}.sideEffects", effects, SIDE_EFFECTS))
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not 1 <= seconds <= 30:
        causes.append(invalid(f"{at}.timeoutSeconds", seconds, "the timeout value must be between 1 and 30 seconds"))
    causes += _versions(f"{at}.admissionReviewVersions", hook.get("admissionReviewVersions") or [])
    causes += checks.conditions(f"{at}.matchConditions", hook.get("matchConditions") or [], BASIC)
    return causes + _client(f"{at}.clientConfig", hook.get("clientConfig") or {})


def _name(where: str, name: Any) -> list[Cause]:
    if not name:
        return [required(where)]
    if problem := dns_subdomain(str(name)):
        return [invalid(where, name, problem)]
    if str(name).count(".") < 2:
        return [invalid(where, name, "should be a domain with at least three segments separated by dots")]
    return []


def _versions(where: str, versions: list[Any]) -> list[Cause]:
    if not versions:
        return [required(where, f"must specify one of {', '.join(VERSIONS)}")]
    causes: list[Cause] = []
    for index, version in enumerate(versions):
        if version in versions[:index]:
            causes.append(invalid(f"{where}[{index}]", version, "duplicate version"))
        elif problem := dns_1035_label(str(version)):
            causes.append(invalid(f"{where}[{index}]", version, problem))
    if not any(version in VERSIONS for version in versions):
        causes.append(invalid(where, versions, f"must include at least one of {', '.join(VERSIONS)}"))
    return causes


def _client(where: str, client: Object) -> list[Cause]:
    url, service = client.get("url"), client.get("service")
    if (url is None) == (service is None):
        return [required(where, "exactly one of url or service is required")]
    return _url(f"{where}.url", url) if url is not None else _service(f"{where}.service", service or {})


def _url(where: str, url: Any) -> list[Cause]:
    try:
        parts = urlsplit(str(url))
        port = parts.port
    except ValueError as error:
        return [required(where, f"url must be a valid URL: {error}; {URL_FORM}")]
    causes: list[Cause] = []
    if parts.scheme != "https":
        causes.append(invalid(where, parts.scheme, f"'https' is the only allowed URL scheme; {URL_FORM}"))
    if not parts.hostname or port == 0:
        causes.append(invalid(where, parts.netloc, f"host must be specified; {URL_FORM}"))
    if parts.username is not None:
        causes.append(invalid(where, parts.netloc.rpartition("@")[0], "user information is not permitted in the URL"))
    if parts.fragment:
        causes.append(invalid(where, parts.fragment, "fragments are not permitted in the URL"))
    if parts.query:
        causes.append(invalid(where, parts.query, "query parameters are not permitted in the URL"))
    return causes


def _service(where: str, service: Object) -> list[Cause]:
    causes = [required(f"{where}.{key}") for key in ("name", "namespace") if not service.get(key)]
    port = service.get("port", 443)
    if not 1 <= port <= 65535:
        causes.append(invalid(f"{where}.port", port, "port is not valid: must be between 1 and 65535, inclusive"))
    return causes + _path(f"{where}.path", str(service.get("path") or ""))


def _path(where: str, path: str) -> list[Cause]:
    if path in ("", "/"):
        return []
    if path == "//":
        return [invalid(where, path, "segment[0] may not be empty")]
    causes = [] if path.startswith("/") else [invalid(where, path, "must start with a '/'")]
    for index, step in enumerate(path[1:].removesuffix("/").split("/")):
        if not step:
            causes.append(invalid(where, path, f"segment[{index}] may not be empty"))
        elif problem := dns_subdomain(step):
            causes.append(invalid(where, path, f"segment[{index}]: {problem}"))
    return causes
