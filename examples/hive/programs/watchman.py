"""Watches the library's access log and says on its own log when too much is refused. It knows nothing of kgents:
the `signals` rule of its Agent turns that line into a WARNING."""

import json
import os
import time
from http.client import HTTPException
from urllib.request import urlopen

HOST, PORT = os.environ.get("LIBRARY_SERVICE_HOST", "127.0.0.1"), os.environ.get("LIBRARY_SERVICE_PORT", "8080")
LIBRARY = f"http://{HOST}:{PORT}"
EVERY = 3.0  # seconds


def read_log(after):
    with urlopen(f"{LIBRARY}/log?after={after}", timeout=10) as answer:
        log = json.load(answer)
    if log["last"] < after:  # the library was restarted, and counts anew
        return read_log(0)
    return log["last"], [status for _, status, _ in log["entries"]]


def main():
    last = 0
    print("watching the library's access log", flush=True)
    while True:
        time.sleep(EVERY)
        try:
            last, statuses = read_log(last)
        except (OSError, HTTPException) as error:
            print(f"the library does not answer: {error}", flush=True)
            continue
        refused = sum(status >= 500 for status in statuses)
        if refused > 10:
            print(f"ERROR {refused} of {len(statuses)} requests refused in {EVERY:.0f} s", flush=True)
        elif statuses:
            print(f"{len(statuses)} requests, all well", flush=True)


if __name__ == "__main__":
    main()
