"""`python -P -m cortex`: serve one context until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys

from cortex.daemon import IDLE_EXIT, AlreadyRunning, serve
from kgents.api.errors import KgentsError
from kgents.kube import config
from kgents.vitals import serving


def main() -> int:
    """Exit codes as the CLI's; 0 when another Cortex serves this context already."""
    parser = argparse.ArgumentParser(prog="python -P -m cortex", description="Serve one context of the kubeconfig.")
    parser.add_argument("--context", help="the kubeconfig context; its current one by default")
    parser.add_argument("--kubeconfig", help="the kubeconfig file; as kubectl finds it by default")
    parser.add_argument("--keep", action="store_true", help="do not exit when nobody asks for long")
    parser.add_argument("--idle-exit", type=float, default=IDLE_EXIT, metavar="SECONDS")
    serving.add_arguments(parser)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    os.umask(0o077)
    try:
        cluster = config.load(given.context, path=given.kubeconfig)
        vitals = serving.Options(given.health, given.metrics)
        asyncio.run(serve(cluster, keep=given.keep, idle_exit=given.idle_exit, vitals=vitals))
    except AlreadyRunning as error:
        print(error, file=sys.stderr)
        return 0
    except KgentsError as error:
        print(f"cortex: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
