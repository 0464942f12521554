"""Flutters about the library and now and then dies of an ordinary bug, an average over nothing. It is restarted."""

import json
import os
import random
import time
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

HOST, PORT = os.environ.get("LIBRARY_SERVICE_HOST", "127.0.0.1"), os.environ.get("LIBRARY_SERVICE_PORT", "8080")
LIBRARY = f"http://{HOST}:{PORT}"
COMMON = "import class return error path token async header".split()
RARE = "chrysalis lantern".split()


def look_up(word):
    with urlopen(f"{LIBRARY}/search?q={quote(word)}", timeout=10) as answer:
        return json.load(answer)["found"]


def main():
    while True:
        time.sleep(2)
        word = random.choice(RARE) if random.random() < 0.012 else random.choice(COMMON)
        try:
            names = look_up(word)
        except HTTPError as error:
            error.close()
            print("the library is too busy for a moth", flush=True)
            continue
        except (OSError, HTTPException) as error:
            print(f"no light: {error}", flush=True)
            continue
        if not names and word in COMMON:
            print("the library is empty yet", flush=True)
            continue
        # The bug: nobody thought of a word that no document holds.
        average = sum(map(len, names)) / len(names)
        print(f"“{word}” is in {len(names)} documents with names of {average:.1f} letters", flush=True)


if __name__ == "__main__":
    main()
