"""Volumes stand where the pod wants them, show what they should, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.runtime.hive import Node, condition, waiting
from tests.support.waiting import eventually

Object = dict[str, Any]
Mount = tuple[str, Object, Object]
_NOBODY = ("unshare", "-U", "--map-user=1000", "--map-group=1000")
_REFUSED = ("unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_mnt_namespaces && exec "$@"', "sh")


def _run(node: Node, script: str, *volumes: Mount) -> str:
    """A pod with volumes of (mountPath, volume, further fields of the mount)."""
    found = [{"name": f"v{n}", **volume} for n, (_, volume, _) in enumerate(volumes)]
    mounts = [{"name": f"v{n}", "mountPath": path, **more} for n, (path, _, more) in enumerate(volumes)]
    main: Object = {"name": "main", "image": "none", "command": ["sh", "-c", script], "volumeMounts": mounts}
    return node.run(spec={"containers": [main], "volumes": found})


def test_volumes_stand_at_paths_that_this_machine_has_not(node: Node) -> None:
    node.config_map("settings", **{"app.conf": "colour=blue"})
    script = "cat /mnt-of-kgents/deep/conf/app.conf; echo x > /data-of-kgents/x && cat /data-of-kgents/x; sleep 1000"
    config: Mount = ("/mnt-of-kgents/deep/conf", {"configMap": {"name": "settings"}}, {})
    name = _run(node, script, config, ("/data-of-kgents", {"emptyDir": {}}, {}))
    assert "colour=blue" in node.said(name, "x")
    assert not Path("/mnt-of-kgents").exists()
    assert not Path("/data-of-kgents").exists()
    assert condition(node.ready(name), "MountsAtTheirPaths") == ""


def test_secrets_and_single_files_have_their_modes_and_sub_paths(node: Node) -> None:
    secret: Object = {"secret": {"secretName": "keys", "defaultMode": 0o400}}
    node.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "geheim"}})
    script = "cat /etc/kgents-of-tests/one; stat -Lc mode=%a /keys-of-kgents/key; sleep 1000"
    one: Mount = ("/etc/kgents-of-tests/one", secret, {"subPath": "key"})
    name = _run(node, script, one, ("/keys-of-kgents", secret, {}))
    assert "geheimmode=400" in node.said(name, "mode=")


def test_read_only_is_read_only(node: Node) -> None:
    mount: Mount = ("/ro-of-kgents", {"emptyDir": {}}, {"readOnly": True})
    name = _run(node, "echo x > /ro-of-kgents/x || echo refused; sleep 1000", mount)
    assert "Read-only" in node.said(name, "refused")


def test_a_claim_keeps_its_data_from_pod_to_pod(node: Node) -> None:
    claim: Mount = ("/claim-of-kgents", {"persistentVolumeClaim": {"claimName": "memory"}}, {})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    node.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "memory"}, "spec": spec})
    first = _run(node, "echo kept > /claim-of-kgents/x; echo done; sleep 1000", claim)
    node.said(first, "done")
    node.delete(first, "--force", "--grace-period=0")
    assert "kept" in node.said(_run(node, "cat /claim-of-kgents/x; sleep 1000", claim), "kept")


def test_a_token_is_projected_for_the_service_account(node: Node) -> None:
    sources = [{"serviceAccountToken": {"path": "token"}}, {"downwardAPI": {"items": [_field("who", "metadata.name")]}}]
    token: Mount = ("/var/run/secrets/kubernetes.io/serviceaccount", {"projected": {"sources": sources}}, {})
    folder = token[0]
    name = _run(node, f"cut -c1-3 {folder}/token; cat {folder}/who; echo; sleep 1000", token)
    log = node.said(name, name)
    assert log.startswith("eyJ")


def test_containers_of_a_pod_share_its_volumes(node: Node) -> None:
    mounts = [{"name": "shared", "mountPath": "/shared-of-kgents"}]
    writer: Object = {"name": "writer", "image": "none", "volumeMounts": mounts}
    writer |= {"command": ["sh", "-c", "echo hello > /shared-of-kgents/x; sleep 1000"]}
    main: Object = {"name": "main", "image": "none", "volumeMounts": mounts}
    main |= {"command": ["sh", "-c", "until cat /shared-of-kgents/x; do sleep 0.1; done; sleep 1000"]}
    spec = {"containers": [main, writer], "volumes": [{"name": "shared", "emptyDir": {}}]}
    node.said(node.run(spec=spec), "hello")


def test_a_config_map_update_arrives_in_the_running_pod(node: Node) -> None:
    node.config_map("changing", word="one", other="stays")
    script = "while :; do cat /conf-of-kgents/word; echo; sleep 0.1; done"
    name = _run(node, script, ("/conf-of-kgents", {"configMap": {"name": "changing"}}, {}))
    node.said(name, "one")
    node.config_map("changing", word="two")
    node.said(name, "two")


def test_a_missing_config_map_is_waited_for(node: Node) -> None:
    name = _run(
        node, "cat /late-of-kgents/x; echo; sleep 1000", ("/late-of-kgents", {"configMap": {"name": "late"}}, {})
    )
    node.until(name, lambda pod: waiting(pod) == "CreateContainerConfigError")
    eventually(lambda: 'configmap "late" not found' in node.events(name))
    node.config_map("late", x="at last")
    node.said(name, "at last")


def test_what_runs_keeps_its_files_when_their_source_goes(node: Node) -> None:
    node.config_map("going", x="still here")
    mount: Mount = ("/going-of-kgents", {"configMap": {"name": "going"}}, {})
    name = _run(node, "cat /going-of-kgents/x; echo; sleep 0.3; exit 1", mount)
    node.said(name, "still here")
    node.kubectl("delete", "configmap", "going", "-n", node.namespace)
    before = node.pod(name)["status"]["containerStatuses"][0]["restartCount"]
    node.until(name, lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] > before)


def test_a_sub_path_that_leads_out_through_a_link_is_refused(node: Node) -> None:
    folder: Object = {"emptyDir": {}}
    link: Object = {"name": "link", "image": "none", "command": ["sh", "-c", "ln -s /etc /v-of-kgents/out"]}
    link["volumeMounts"] = [{"name": "v", "mountPath": "/v-of-kgents"}]
    main: Object = {"name": "main", "image": "none", "command": ["sleep", "1000"]}
    main["volumeMounts"] = [{"name": "v", "mountPath": "/w-of-kgents", "subPath": "out"}]
    name = node.run(spec={"initContainers": [link], "containers": [main], "volumes": [{"name": "v", **folder}]})
    node.until(name, lambda pod: waiting(pod) == "CreateContainerConfigError")
    eventually(lambda: "leads out of its volume" in node.events(name))


def test_a_sort_of_volume_that_the_hive_has_not_is_told(node: Node) -> None:
    name = _run(node, "true", ("/x", {"nfs": {"server": "far", "path": "/"}}, {}))
    node.until(name, lambda pod: waiting(pod) == "VolumeUnsupported")


@pytest.mark.parametrize(("prefix", "told"), [(_NOBODY, ""), (_REFUSED, "False")], ids=["allowed", "refused"])
def test_mounts_without_privileges(new_node: Callable[..., Node], prefix: tuple[str, ...], told: str) -> None:
    node = new_node(prefix=prefix)
    node.config_map("settings", x="from the map")
    script = "test -e /conf-of-kgents/x || P=$KGENTS_POD_ROOT; cat $P/conf-of-kgents/x; echo; sleep 1000"
    name = _run(node, script, ("/conf-of-kgents", {"configMap": {"name": "settings"}}, {}))
    node.said(name, "from the map")
    assert condition(node.ready(name), "MountsAtTheirPaths") == told


def _field(path: str, field: str) -> Object:
    return {"path": path, "fieldRef": {"fieldPath": field}}


def test_a_claim_made_anew_is_empty(node: Node) -> None:
    claim: Mount = ("/claim-of-kgents", {"persistentVolumeClaim": {"claimName": "again"}}, {})
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    made = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "again"}, "spec": spec}
    node.apply(made)
    first = _run(node, "echo secret > /claim-of-kgents/x; echo done; sleep 1000", claim)
    node.said(first, "done")
    node.delete(first, "--force", "--grace-period=0")
    node.kubectl("delete", "pvc", "again", "-n", node.namespace)
    node.apply(made)
    assert "secret" not in node.said(_run(node, "cat /claim-of-kgents/x; echo empty; sleep 1000", claim), "empty")
