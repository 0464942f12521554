"""A queue worker with a busy and an idle phase. It backs off while WARNING is strong, and speaks for itself at need.

Backing off is its `reactions` rule: kgents puts the strength of WARNING into a mounted file, and this program reads it.
Speaking is `say` below: the ServiceAccount's token and ten lines of urllib.
"""

import json
import os
import random
import ssl
import time
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

HOST, PORT = os.environ.get("LIBRARY_SERVICE_HOST", "127.0.0.1"), os.environ.get("LIBRARY_SERVICE_PORT", "8080")
LIBRARY = f"http://{HOST}:{PORT}"
REACTIONS = Path(os.environ.get("KGENTS_REACTIONS_DIR", "/etc/kgents/reactions"))
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
BUSY, IDLE = 45.0, 30.0  # seconds
WORDS = "import class return socket thread parse json error path token buffer async yield lambda header codec".split()


def warned():
    """Whether WARNING is strong now, as the mounted file says."""
    try:
        return json.loads((REACTIONS / "WARNING").read_text())["active"]
    except (FileNotFoundError, ValueError, KeyError):
        return False


def say(kind, intensity, payload):
    """Emits a signal: one POST with this pod's own ServiceAccount."""
    namespace = (ACCOUNT / "namespace").read_text()
    name = os.environ.get("KGENTS_AGENT", "worker")
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    spec = {"type": kind, "source": name, "initialIntensity": intensity, "halfLife": "60s", "payload": payload}
    signal = {"apiVersion": "kgents.io/v1", "kind": "Pheromone", "metadata": {"generateName": f"{name}-"}, "spec": spec}
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}", "Content-Type": "application/json"}
    url = f"{server}/apis/kgents.io/v1/namespaces/{namespace}/pheromones"
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urlopen(Request(url, json.dumps(signal).encode(), headers), context=context, timeout=10) as answer:
        return json.load(answer)["metadata"]["name"]


def do(job):
    """One job is one search. False when the library refused it."""
    try:
        with urlopen(f"{LIBRARY}/search?q={quote(job)}", timeout=10) as answer:
            answer.read()
            return True
    except HTTPError as error:
        error.close()
        return False


def busy_phase(queue):
    careful = False
    deadline = time.monotonic() + BUSY
    next_look = 0.0
    while queue and time.monotonic() < deadline:
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + 0.5
            if warned() != careful:
                careful = not careful
                print("backing off: WARNING is strong" if careful else "full speed: the WARNING has faded", flush=True)
        if do(queue[0]):
            queue.pop(0)
        time.sleep(0.25 if careful else 0.015)
    if queue:
        print(f"{len(queue)} jobs are left", flush=True)
        say("SCARCITY", min(1.0, len(queue) / 1000), f"{len(queue)} searches wait")


def main():
    while True:
        queue = [" ".join(random.sample(WORDS, 2)) for _ in range(1200)]
        print(f"took {len(queue)} jobs", flush=True)
        try:
            busy_phase(queue)
        except (OSError, HTTPException) as error:
            print(f"WARN no answer: {error}; trying again", flush=True)
            time.sleep(2)
            continue
        print("resting", flush=True)
        time.sleep(IDLE)


if __name__ == "__main__":
    main()
