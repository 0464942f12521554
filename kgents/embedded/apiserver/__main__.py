"""`python -P -m kgents.embedded.apiserver`: the embedded Kubernetes API server as a process."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import sys
from pathlib import Path

from kgents.api.errors import KgentsError
from kgents.embedded.apiserver.server import serve


def main() -> int:
    """Runs until SIGTERM or SIGINT; returns the exit status."""
    parser = argparse.ArgumentParser(prog="kgents-apiserver", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where keys, tokens and the store are")
    parser.add_argument("--address", default="127.0.0.1", help="loopback address to listen on")
    parser.add_argument("--port", type=int, default=6443, help="0 picks a free one")
    parser.add_argument("--service-cidr", default="127.77.0.0/20", help="addresses of Services")
    parser.add_argument("--no-kubeconfig", action="store_true", help="write none into DATA_DIR: there is one already")
    parser.add_argument("--log-level", default="WARNING")
    options = parser.parse_args()
    logging.basicConfig(level=options.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Long-lived objects are many and acyclic; frequent full collections would only cost latency.
    gc.set_threshold(50_000, 20, 50)
    options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        asyncio.run(_run(options))
    except KgentsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    kubeconfig = not options.no_kubeconfig
    await serve(options.data_dir, options.address, options.port, options.service_cidr, stop, kubeconfig=kubeconfig)


if __name__ == "__main__":
    raise SystemExit(main())
