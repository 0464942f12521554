"""A rolling update under load: whoever asks the Service is answered, before, while and after."""

from __future__ import annotations

import sys
import threading
import urllib.request

from tests.integration.runtime.hive import Node
from tests.support.waiting import eventually

_SERVER = """
import os, signal, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(os.environ["HOSTNAME"].encode())
    def log_message(self, *_): pass
server = ThreadingHTTPServer((os.environ["POD_IP"], 8080), Answer)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
server.server_close()
"""


class Visitor(threading.Thread):
    """Asks again and again, on a new connection each time."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.stop = address, threading.Event()
        self.hosts: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.stop.wait(0.005):
            try:
                with urllib.request.urlopen(f"http://{self.address}/", timeout=30) as answer:
                    self.hosts.append(answer.read().decode())
            except OSError as error:
                self.failures.append(repr(error))


def test_a_rollout_restart_refuses_nobody(own_node: Node, controllers: None) -> None:
    labels = {"app": "web"}
    main = {"name": "main", "image": "none", "command": [sys.executable, "-c", _SERVER]}
    probe = {"tcpSocket": {"port": 8080}, "periodSeconds": 1}
    container = {**main, "ports": [{"containerPort": 8080}], "readinessProbe": probe}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    own_node.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
    ports = {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]}
    own_node.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": ports})
    in_namespace = ("-n", own_node.namespace)
    own_node.kubectl("rollout", "status", "deployment/web", *in_namespace, "--timeout=120s")
    address = own_node.kubectl.json("get", "service", "web", *in_namespace)["spec"]["clusterIP"]
    visitor = Visitor(address)
    eventually(lambda: _answers(address))
    visitor.start()
    eventually(lambda: len(set(visitor.hosts)) == 2)

    own_node.kubectl("rollout", "restart", "deployment/web", *in_namespace)
    own_node.kubectl("rollout", "status", "deployment/web", *in_namespace, "--timeout=120s")
    eventually(lambda: len(set(visitor.hosts)) >= 4)

    eventually(lambda: len(own_node.kubectl.json("get", "pods", *in_namespace)["items"]) == 2)
    visitor.stop.set()
    visitor.join(60)
    assert visitor.failures == []


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/", timeout=5).close()
    except OSError:
        return False
    return True
