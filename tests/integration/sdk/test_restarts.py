"""An API server that goes away and comes back, under an agent that goes on."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kgents import sdk
from kgents.kube import config
from kgents.sdk.agent import over
from tests.support import hive, kinds
from tests.support.kubectl import Kubectl


def test_an_agent_goes_on_where_it_was_when_the_api_server_comes_back(tmp_path: Path) -> None:
    first = hive.start(tmp_path)
    kinds.ensure(Kubectl(first.kubeconfig))
    me = over(config.load(path=first.kubeconfig), "phoenix", "default", patience=60)
    signals = me.follow("STATE")
    me.emit("STATE", "before")
    assert next(signals).payload == "before"
    first.kill()
    second = hive.start(tmp_path, port=urlsplit(first.url).port or 0)
    me.emit("STATE", "after")
    assert next(signals).payload == "after"
    signals.close()
    second.stop()
    me = over(config.load(path=first.kubeconfig), "phoenix", "default", patience=0.2)
    with pytest.raises(sdk.Unreachable, match="does not answer"):
        me.sense()
    with pytest.raises(sdk.Unreachable, match="does not answer"):
        next(me.follow())
