"""`python -P -m cortex`: serve one context until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from cortex.daemon import IDLE_EXIT, AlreadyRunning, serve
from cortex.listening import Listen
from kgents.api.errors import KgentsError, UsageError
from kgents.kube import config
from kgents.vitals import serving


def main() -> int:
    """Exit codes as the CLI's; 0 when another Cortex serves this context already."""
    parser = argparse.ArgumentParser(prog="python -P -m cortex", description="Serve one context of the kubeconfig.")
    parser.add_argument("--context", help="the kubeconfig context; its current one by default")
    parser.add_argument("--kubeconfig", help="the kubeconfig file; as kubectl finds it by default")
    parser.add_argument("--keep", action="store_true", help="do not exit when nobody asks for long")
    parser.add_argument("--idle-exit", type=float, default=IDLE_EXIT, metavar="SECONDS")
    _add_listening(parser)
    serving.add_arguments(parser)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        cluster = config.load(given.context, path=given.kubeconfig)
        vitals = serving.Options(given.health, given.metrics)
        asyncio.run(serve(cluster, keep=given.keep, idle_exit=given.idle_exit, vitals=vitals, listen=_listen(given)))
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return 0
    except KgentsError as error:
        print(f"cortex: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _add_listening(parser: argparse.ArgumentParser) -> None:
    told = parser.add_argument_group("in a cluster", "serve others over TLS, as whom Kubernetes takes their tokens for")
    env = os.environ.get
    told.add_argument("--listen", metavar="HOST:PORT", default=env("KGENTS_CORTEX_LISTEN"), help="where")
    told.add_argument("--tls-cert", metavar="FILE", default=env("KGENTS_CORTEX_TLS_CERT"), help="the certificate, PEM")
    told.add_argument("--tls-key", metavar="FILE", default=env("KGENTS_CORTEX_TLS_KEY"), help="its key, PEM")
    told.add_argument(
        "--audience",
        metavar="NAME",
        default=env("KGENTS_CORTEX_AUDIENCE", ""),
        help="whom tokens must be meant for; the API server if left out",
    )


def _listen(given: argparse.Namespace) -> Listen | None:
    """Raises UsageError for half of it: never without TLS."""
    if not given.listen:
        return None
    if not (given.tls_cert and given.tls_key):
        raise UsageError("--listen takes --tls-cert and --tls-key", why="tokens travel over TLS only")
    try:
        host, port = serving.address(given.listen)
    except argparse.ArgumentTypeError as error:
        raise UsageError(str(error)) from error
    return Listen(host, port, Path(given.tls_cert), Path(given.tls_key), given.audience)


if __name__ == "__main__":
    sys.exit(main())
