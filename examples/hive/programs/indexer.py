"""Reads a real corpus, the source of Python's own library, and hands it to the library. It knows nothing of kgents."""

import os
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import Request, urlopen

# The environment that Kubernetes gives every pod for each Service of its namespace.
HOST, PORT = os.environ.get("LIBRARY_SERVICE_HOST", "127.0.0.1"), os.environ.get("LIBRARY_SERVICE_PORT", "8080")
LIBRARY = f"http://{HOST}:{PORT}"
CORPUS = Path(os.__file__).parent


def send(path):
    name = str(path.relative_to(CORPUS))
    request = Request(f"{LIBRARY}/documents/{name}", data=path.read_bytes(), method="PUT")
    with urlopen(request, timeout=10) as answer:
        return name, len(answer.read())


def main():
    done = 0
    while True:
        for path in sorted(CORPUS.glob("*.py")) + sorted(CORPUS.glob("*/*.py")):
            if "site-packages" in path.parts:
                continue
            try:
                send(path)
            except (OSError, HTTPException) as error:
                print(f"WARN the library does not answer: {error}; trying again", flush=True)
                time.sleep(2)
                continue
            done += 1
            if done % 50 == 0:
                print(f"indexed {done} documents, the last was {path.name}", flush=True)
            # The first pass is brisk, the later ones keep a restarted library complete.
            time.sleep(0.02 if done < 400 else 0.25)


if __name__ == "__main__":
    main()
