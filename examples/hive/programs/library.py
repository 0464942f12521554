"""A small HTTP service: keeps documents, answers searches, and refuses what is beyond its rate.

It knows nothing of kgents.

PUT /documents/NAME   a text to keep
GET /search?q=WORDS   the documents that hold all words, best first
GET /log?after=N      its access log from entry N on, as JSON
"""

import json
import os
import re
import threading
import time
from collections import Counter, deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

RATE = float(os.environ.get("LIBRARY_RATE", "25"))  # searches a second that it can bear
WORD = re.compile(r"[a-z_]{3,}")


class Library:
    def __init__(self):
        self.lock = threading.Lock()
        self.index = {}  # word -> {document: count}
        self.words = {}  # document -> how many words
        self.log = deque(maxlen=2000)
        self.entries = 0
        self.allowance, self.refilled = RATE, time.monotonic()

    def keep(self, name, text):
        counts = Counter(WORD.findall(text.lower()))
        with self.lock:
            for word, count in counts.items():
                self.index.setdefault(word, {})[name] = count
            self.words[name] = sum(counts.values())
        return len(counts)

    def admit(self):
        """A token bucket: whether one more search may run now."""
        with self.lock:
            now = time.monotonic()
            self.allowance = min(RATE, self.allowance + (now - self.refilled) * RATE)
            self.refilled = now
            if self.allowance < 1:
                return False
            self.allowance -= 1
            return True

    def search(self, words):
        with self.lock:
            found = [self.index.get(word, {}) for word in words]
            names = set.intersection(*map(set, found)) if found else set()
            return sorted(names, key=lambda name: -sum(counts[name] for counts in found))[:10]

    def note(self, status, line):
        with self.lock:
            self.entries += 1
            self.log.append((self.entries, status, line))

    def log_after(self, number):
        with self.lock:
            return {"last": self.entries, "entries": [entry for entry in self.log if entry[0] > number]}


class Handler(BaseHTTPRequestHandler):
    shelf = Library()
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode(errors="replace")
        name = unquote(self.path.removeprefix("/documents/"))
        self.answer(201, {"document": name, "terms": self.shelf.keep(name, text)})

    def do_GET(self):
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if url.path == "/log":
            self.answer(200, self.shelf.log_after(int(query.get("after", ["0"])[0])), note=False)
        elif url.path != "/search":
            self.answer(200, {"documents": len(self.shelf.words)}, note=False)
        elif not self.shelf.admit():
            self.answer(503, {"error": f"more than {RATE:.0f} searches a second"})
        else:
            self.answer(200, {"found": self.shelf.search(WORD.findall(query.get("q", [""])[0].lower()))})

    def answer(self, status, body, note=True):
        if note:
            self.shelf.note(status, self.path)
        payload = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, *_):  # the access log is served, not printed
        pass


def report():
    before = 0
    while True:
        time.sleep(10)
        entries = Handler.shelf.entries
        print(f"{len(Handler.shelf.words)} documents, {entries - before} requests in 10 s", flush=True)
        before = entries


if __name__ == "__main__":
    # POD_IP is this pod's own address: listening there leaves the port free for others on the same machine.
    address = (os.environ.get("POD_IP", ""), int(os.environ.get("PORT", "8080")))
    threading.Thread(target=report, daemon=True).start()
    print(f"the library opens on port {address[1]}", flush=True)
    ThreadingHTTPServer(address, Handler).serve_forever()
