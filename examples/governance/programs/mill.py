"""A mill that grinds orders. It watches its own queue and asks for what it thinks it needs; others decide.

Its pods agree without talking to each other: an order, a piece of news or a warning is a claimable signal, which one of
them has; and while there is a SCARCITY in the air, nobody asks for more hands again.
"""

import json
import os
import ssl
import time
from pathlib import Path
from urllib.request import Request, urlopen

from kgents import sdk
from kgents.api.errors import KgentsError, Refused

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")

CROWDED = 6  # orders that wait
GRIND = 1.0  # seconds an order
me = sdk.agent()


def image():
    """A hive on a laptop runs this program whatever the image is called, so it looks up which one it is to be."""
    server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    url = f"{server}/apis/kgents.io/v1/namespaces/{me.namespace}/agents/{me.name}"
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}"}
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    with urlopen(Request(url, headers=headers), context=context, timeout=10) as answer:
        return json.load(answer)["spec"]["image"]


def ask_for_hands():
    waiting = sum(1 for order in me.sense("INTENT") if not order.claimed_by)
    if waiting >= CROWDED and not me.sense("SCARCITY"):
        need = me.emit("SCARCITY", f"{waiting} orders wait", intensity=0.8, half_life="2m")
        me.propose({"spec": {"replicas": 3}}, reason=f"{waiting} orders wait, and I am alone", caused_by=[need])
        me.think(f"{waiting} orders wait: asked for two more hands")


def heed(signal):
    if signal.type == "OPPORTUNITY":
        me.propose({"spec": {"image": signal.payload}}, reason="there is a new release of me", caused_by=[signal])
        me.think(f"asked to become {signal.payload}")
    elif signal.type == "WARNING":
        me.propose(target=f"memory/{me.name}", delete=True, reason=f"{signal.payload}: I could do without my memory",
                   caused_by=[signal])  # fmt: skip
        me.think("asked to have its memory deleted")
    else:
        time.sleep(GRIND)
        me.emit("STATE", f"ground {signal.payload}", half_life="20s")
        me.think(f"ground {signal.payload}")


def main():
    if image() != "mill:1":
        time.sleep(2)
        raise SystemExit("ERROR the new millstones do not fit")
    me.think("the mill is open")
    while True:
        try:
            ask_for_hands()
            with me.claim("WARNING", "OPPORTUNITY") or me.claim("INTENT") as work:
                if work:
                    heed(work.signal)
        except Refused as refusal:
            me.think(f"REFUSED {str(refusal).rpartition('denied request: ')[2]}")
        except KgentsError as error:
            me.think(f"WARN {error}")
        time.sleep(0.5)


if __name__ == "__main__":
    main()
