"""What a hive is made of, as Kubernetes objects: the CRDs, its namespace, permissions, and what runs in a cluster.

The files ship in the wheel; in a checkout they are read where they are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kgents import __version__
from kgents.api.kinds import GROUP

_PACKAGE = Path(__file__).resolve().parent.parent
_FOUNDATION = ("namespace.yaml", "rbac.yaml", "policies.yaml")
_OPERATORS = ("webhook.yaml", "service.yaml", "disruption.yaml", "deployment.yaml")
_CORTEX = ("rbac.yaml", "service.yaml", "deployment.yaml")
_FREEZE = "kgents-freeze-agents"
_OWN_KINDS = {"apiGroups": [GROUP], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
_CHECKOUT = _PACKAGE.parent


REGISTRY = "ghcr.io/kgents"


class Images(NamedTuple):
    """What runs in a cluster: the operators, Cortex, and the memory sidecars."""

    operators: str
    cortex: str
    memory: str

    @classmethod
    def of(cls, registry: str = "", operators: str = "", cortex: str = "", memory: str = "") -> Images:
        """Those of this version from `registry`, or each as it is named."""
        names = zip(cls._fields, (operators, cortex, memory), strict=True)
        return cls(*(given or f"{(registry or REGISTRY).rstrip('/')}/{name}:{__version__}" for name, given in names))


def data_dir(name: str) -> Path:
    """The folder of shipped data called `crds` or `hive`, installed or in a checkout."""
    installed = _PACKAGE / "data" / name
    if installed.is_dir():
        return installed
    return _CHECKOUT / (name if name == "crds" else f"examples/{name}")


def read(path: Path) -> list[dict[str, Any]]:
    """The objects in a YAML file."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [document for document in yaml.load_all(path.read_text(), loader) if document]


def crds() -> list[dict[str, Any]]:
    return [document for path in sorted(data_dir("crds").glob("*.yaml")) for document in read(path)]


def foundation(*, shared: bool = False) -> list[dict[str, Any]]:
    """The namespace of the hive, and what stands in the operators' folder for the cluster.

    In a `shared` cluster a freeze stops what agents write of kgents' own kinds: other people's ServiceAccounts go on.
    """
    documents = [document for name in _FOUNDATION for document in read(_base("operators") / name)]
    for document in documents if shared else ():
        if document["kind"] == "ValidatingAdmissionPolicyBinding" and document["metadata"]["name"] == _FREEZE:
            document["spec"]["matchResources"] = {"resourceRules": [_OWN_KINDS]}
    return documents


def workloads(images: Images) -> list[dict[str, Any]]:
    """The operators and Cortex as Deployments, and what belongs to them: it follows on the foundation."""
    operators = [document for name in _OPERATORS for document in read(_base("operators") / name)]
    documents = [*(document for name in _CORTEX for document in read(_base("cortex") / name)), *operators]
    for container in _containers(documents):
        container["image"] = getattr(images, container["name"])
        for variable in container.get("env", ()):
            if variable["name"] == "KGENTS_MEMORY_IMAGE":
                variable["value"] = images.memory
    return documents


def _containers(documents: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for document in documents:
        if document["kind"] == "Deployment":
            yield from document["spec"]["template"]["spec"]["containers"]


def example_hive() -> list[dict[str, Any]]:
    """The agents of the example hive, and the ConfigMap with their programs: what its kustomization says."""
    folder = data_dir("hive")
    programs = {path.name: path.read_text() for path in sorted(folder.glob("programs/*.py"))}
    metadata = {"name": "hive-programs"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": programs}
    agents = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [config_map, *(document for path in agents for document in read(path))]


def _base(package: str) -> Path:
    # They are found, not imported: the client side knows them only as files.
    import importlib.util

    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "deploy" / "base"
