"""A hive on disk: its name, where it lives, its files. Standard library only.

A hive lives in a cluster that a context of the user's kubeconfig leads to, or is embedded in this machine. An
embedded one owns the loopback net 127.H.0.0/16, so that every Service and every pod has an address of its own:

    127.H.0.1:6443           the API server
    127.H.0.2:10250          the node's log endpoint
    127.H.0.3:9443           T-gent's webhook
    127.H.1.0 – 127.H.15.255   Services
    127.H.16.0 and up        pods

The net is free when nobody listens on the API server's address; a running hive holds it by listening there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import sys
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kgents.api.errors import KgentsError, NotFound, UsageError
from kgents.files import write_private
from kgents.infra.home import hive_dir, home, private_dir

DEFAULT_HIVE = "laptop"
CONTEXT_PREFIX = "kgents-"
API_PORT = 6443
_FIRST_NET, _LAST_NET = 64, 250
_IN_CLUSTER = "context"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


class Cluster(NamedTuple):
    """A cluster that is not ours: the context, the server it led to at first, and the kubeconfig files.

    `deployed`: the operators and Cortex run in it, not on this machine. `kind` is the name of a cluster that kind has
    made for this hive, "" for none.
    """

    context: str
    server: str
    kubeconfig: tuple[str, ...]
    deployed: bool = False
    kind: str = ""


class Hive(NamedTuple):
    """One hive. `cluster` is where it lives; None: it is embedded.

    Of embedded ones alone: `net` is the second octet of its loopback net; `api_only` hives run the API server alone.
    """

    name: str
    net: int = 0
    api_only: bool = False
    cluster: Cluster | None = None

    @property
    def dir(self) -> Path:
        return hive_dir(self.name)

    @property
    def context(self) -> str:
        return self.cluster.context if self.cluster else CONTEXT_PREFIX + self.name

    @property
    def deployed(self) -> bool:
        """Whether its operators and Cortex run in a cluster: then nothing of it is kept running here."""
        return self.cluster is not None and self.cluster.deployed

    @property
    def keeps_cortex(self) -> bool:
        """Whether a supervisor on this machine keeps its Cortex; else the first command that wants one starts it."""
        return not self.api_only and not self.deployed

    @property
    def address(self) -> str:
        return f"127.{self.net}.0.1"

    @property
    def kubelet_address(self) -> str:
        return f"127.{self.net}.0.2"

    @property
    def server(self) -> str:
        return self.cluster.server if self.cluster else f"https://{self.address}:{API_PORT}"

    @property
    def webhook_address(self) -> str:
        """Where the API server reaches T-gent: host and port."""
        return f"127.{self.net}.0.3:9443"

    @property
    def service_cidr(self) -> str:
        return f"127.{self.net}.0.0/20"

    @property
    def pod_cidr(self) -> str:
        return f"127.{self.net}.16.0/20"

    @property
    def kubeconfig(self) -> Path:
        """Of an embedded hive, its own kubeconfig for its administrator."""
        return self.dir / "kubeconfig"

    @property
    def kubeconfigs(self) -> str:
        """What KUBECONFIG must be to reach it."""
        return os.pathsep.join(self.cluster.kubeconfig) if self.cluster else str(self.kubeconfig)

    @property
    def operators_token_file(self) -> Path:
        """Of a hive in a cluster, where its operators keep the short-lived token that they act with."""
        return self.dir / "operators.token"

    @property
    def made_file(self) -> Path:
        """Of a hive in a cluster: the objects there that `infra init` has made, and `infra delete` takes away."""
        return self.dir / "made.json"

    @property
    def operators_kubeconfig(self) -> Path:
        return self.dir / "operators.kubeconfig"

    @property
    def pki(self) -> Path:
        return self.dir / "pki"

    @property
    def log_dir(self) -> Path:
        return self.dir / "log"

    @property
    def state_file(self) -> Path:
        """What the supervisor says of itself and its processes."""
        return self.dir / "supervisor.json"

    @property
    def lock_file(self) -> Path:
        """Held (flock) by the supervisor for as long as it lives."""
        return self.dir / "supervisor.lock"

    @property
    def stopped_file(self) -> Path:
        """Stands while somebody wants the hive stopped, so that nothing revives it."""
        return self.dir / "stopped"


def check_name(name: str) -> str:
    """`name`, or UsageError: it becomes a folder, a context and part of addresses people read."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"“{name[:60]}” cannot be a hive's name",
            why="a name has 1 to 40 lower-case letters, digits and inner hyphens",
            fix="Choose another with --name",
        )
    return name


def load(name: str) -> Hive:
    """The hive of that name. Raises NotFound when there is none, KgentsError when its file is damaged."""
    path = hive_dir(check_name(name)) / "hive.json"
    try:
        described = json.loads(path.read_bytes())
        if described.get("kind") == _IN_CLUSTER:
            files = tuple(str(file) for file in described["kubeconfig"])
            where = Cluster(str(described["context"]), str(described["server"]), files)
            where = where._replace(
                deployed=bool(described.get("deployed")), kind=str(described.get("kindCluster") or "")
            )
            return Hive(name, cluster=where)
        return Hive(name, int(described["net"]), bool(described.get("apiOnly", False)))
    except FileNotFoundError as error:
        raise NotFound(f"There is no hive “{name}” on this machine", fix="Make it: kgents infra init") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KgentsError(
            f"The hive “{name}” cannot be read",
            why=f"{path} is damaged",
            fix=f"Make it anew: kgents infra delete --name {name} && kgents infra init --name {name}",
        ) from error


def known() -> list[str]:
    """The names of the hives in this home."""
    return sorted(path.parent.name for path in (home() / "hives").glob("*/hive.json"))


def of_context(context: str) -> Hive | None:
    """The hive behind a kubeconfig context, if it is one of this home."""
    name = context.removeprefix(CONTEXT_PREFIX)
    likely = [name] if name != context and _NAME.fullmatch(name) else []
    # A context of that name may well lead elsewhere; then there is nothing here to look after.
    return next((hive for hive in _readable([*likely, *known()]) if hive.context == context), None)


def _readable(names: Iterable[str]) -> Iterator[Hive]:
    for name in names:
        with contextlib.suppress(KgentsError):  # who asks for a damaged one by its name is told
            yield load(name)


def create(name: str, *, api_only: bool = False) -> Hive:
    """Makes the folder of a new hive and claims a free net. Raises KgentsError when the home can't be written."""
    check_name(name)
    if sys.platform != "linux":
        raise KgentsError(
            "The embedded hive runs on Linux only for now",
            why="other systems give the loopback interface one address, and each pod needs its own",
            fix="Use a cluster instead, through its kubeconfig context",
        )
    directory = hive_dir(name)
    try:
        for path in (directory, directory / "pki", directory / "log", directory / "store"):
            private_dir(path)
        hive = Hive(name, _free_net(name), api_only)
        described = {"name": name, "net": hive.net, "apiOnly": api_only}
        write_private(directory / "hive.json", json.dumps(described) + "\n")
    except OSError as error:
        raise _unwritable(name, error) from error
    return hive


def create_in(cluster: Cluster, name: str) -> Hive:
    """Makes the folder of a hive in a cluster, or says anew how it lives. Raises KgentsError when it can't be."""
    hive = Hive(check_name(name), cluster=cluster)
    try:
        private_dir(hive.dir)
        private_dir(hive.log_dir)
        where = {"context": cluster.context, "server": cluster.server, "kubeconfig": cluster.kubeconfig}
        more = {"deployed": cluster.deployed, "kindCluster": cluster.kind}
        described = {"name": name, "kind": _IN_CLUSTER, **where, **more}
        write_private(hive.dir / "hive.json", json.dumps(described) + "\n")
    except OSError as error:
        raise _unwritable(name, error) from error
    return hive


def _unwritable(name: str, error: OSError) -> KgentsError:
    return KgentsError(
        f"The hive “{name}” cannot be made",
        why=f"{error.filename or hive_dir(name)}: {error.strerror}",
        fix="Set KGENTS_HOME to a folder that you can write",
    )


def name_for(context: str) -> str:
    """The name that a hive in `context` gets when it is given none: near to the context's own, and free."""
    name = re.sub(r"[^a-z0-9]+", "-", context.lower()).strip("-")
    if _NAME.fullmatch(name) and name not in known():
        return name
    return f"{name[:31].strip('-') or 'hive'}-{zlib.crc32(context.encode()):08x}"


def _free_net(name: str) -> int:
    taken = {other.net for other in _readable(known()) if other.name != name}
    span = _LAST_NET - _FIRST_NET + 1
    start = zlib.crc32(f"{home()}/{name}".encode()) % span
    for step in range(span):
        net = _FIRST_NET + (start + step) % span
        if net not in taken and _nobody_listens(f"127.{net}.0.1"):
            return net
    raise KgentsError(
        "Every loopback net is taken", why=f"{span} hives run on this machine", fix="Delete one: kgents infra delete"
    )


def _nobody_listens(address: str) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, API_PORT))
        except OSError:
            return False
        return True
