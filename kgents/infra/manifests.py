"""What a hive is made of, as Kubernetes objects: the CRDs, its namespace, the operators' permissions.

The files ship in the wheel; in a checkout they are read where they are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kgents.api.kinds import GROUP, HIVE_NAMESPACE

_PACKAGE = Path(__file__).resolve().parent.parent
_DEPLOYED = ("rbac.yaml", "policies.yaml")
_LABELS = {"app.kubernetes.io/part-of": "kgents"}
"""An apply that says nothing of an object owns nothing of it, and then the server takes it for somebody else's."""
_FREEZE = "kgents-freeze-agents"
_OWN_KINDS = {"apiGroups": [GROUP], "apiVersions": ["*"], "resources": ["*/*"], "operations": ["*"]}
_CHECKOUT = _PACKAGE.parent


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
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HIVE_NAMESPACE, "labels": _LABELS}}
    documents = [document for name in _DEPLOYED for document in read(_deploy_dir() / name)]
    for document in documents if shared else ():
        if document["kind"] == "ValidatingAdmissionPolicyBinding" and document["metadata"]["name"] == _FREEZE:
            document["spec"]["matchResources"] = {"resourceRules": [_OWN_KINDS]}
    return [namespace, *documents]


def example_hive() -> list[dict[str, Any]]:
    """The agents of the example hive, and the ConfigMap with their programs: what its kustomization says."""
    folder = data_dir("hive")
    programs = {path.name: path.read_text() for path in sorted(folder.glob("programs/*.py"))}
    metadata = {"name": "hive-programs"}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": programs}
    agents = [path for path in sorted(folder.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [config_map, *(document for path in agents for document in read(path))]


def _deploy_dir() -> Path:
    # The operators are found, not imported: the client side knows them only as files.
    import importlib.util

    spec = importlib.util.find_spec("operators")
    assert spec is not None and spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "deploy"
