"""Which processes make up a hive, and how each is started. Standard library only."""

from __future__ import annotations

import os
import sys
from typing import NamedTuple

from kgents.infra.hive import API_PORT, Hive
from kgents.infra.home import home


class Process(NamedTuple):
    """A command of the hive. `needs_api`: it is not started before the embedded API server listens.

    `longest_pause` is what passes at the most, in seconds, before one that keeps failing is started again.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    needs_api: bool = False
    longest_pause: float = 2.0


def processes(hive: Hive) -> list[Process]:
    """In the order of their start; they are stopped in reverse."""
    return _of_cluster(hive) if hive.cluster else _of_embedded(hive)


def _of_cluster(hive: Hive) -> list[Process]:
    # The user's whole environment: programs that log in to clusters read all sorts of variables.
    env = {**os.environ, **_environment(), "KUBECONFIG": hive.kubeconfigs}
    operators = _module(
        "operators",
        *("--context", hive.context),
        *("--token-file", str(hive.operators_token_file)),
        "--images-needed",
    )
    # Credentials that have run out stay so for a while: whoever keeps failing is not tried every other second.
    return [
        Process("cortex", _module("cortex", "--keep", "--context", hive.context), env, longest_pause=30.0),
        Process("operators", operators, env, longest_pause=30.0),
    ]


def _of_embedded(hive: Hive) -> list[Process]:
    env = _environment()
    apiserver = Process(
        "apiserver",
        _module(
            "kgents.embedded.apiserver",
            *("--data-dir", str(hive.dir)),
            *("--address", hive.address),
            *("--port", str(API_PORT)),
            *("--service-cidr", hive.service_cidr),
            "--no-kubeconfig",
        ),
        env,
    )
    if hive.api_only:
        return [apiserver]
    kubeconfig = str(hive.kubeconfig)
    return [
        apiserver,
        Process("cortex", _module("cortex", "--keep", "--context", hive.context, "--kubeconfig", kubeconfig), env),
        Process(
            "node",
            _module(
                "kgents.embedded.node",
                *("--kubeconfig", kubeconfig),
                *("--root", str(hive.dir)),
                *("--pki", str(hive.pki)),
                *("--pod-cidr", hive.pod_cidr),
                *("--kubelet-address", hive.kubelet_address),
                *("--node-name", hive.context),
                # The user's own keys to clusters are nothing for pods.
                *(f"--keep={path}" for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path),
            ),
            env,
            needs_api=True,
        ),
        Process(
            "operators",
            _module(
                "operators",
                *("--kubeconfig", str(hive.operators_kubeconfig)),
                *("--webhook", hive.webhook_address),
            ),
            env,
            needs_api=True,
        ),
    ]


def _module(name: str, *arguments: str) -> list[str]:
    # -P keeps the current folder off sys.path: a file there must not be able to pose as one of our modules.
    return [sys.executable, "-P", "-m", name, *arguments]


def _environment() -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "USER")}
    # One malloc arena: several would keep tens of megabytes that no thread uses any more.
    tuned = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "262144"}
    return {**kept, **tuned, "KGENTS_HOME": str(home()), "PYTHONUNBUFFERED": "1"}
