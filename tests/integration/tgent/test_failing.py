"""T-gent that is registered and fails: what agents ask for waits, signals pass, and nobody else is asked."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from kgents.kube import config
from kgents.kube.client import KubeClient
from operators.tgent.verdicts import Refusal
from operators.tgent.webhook import WEBHOOKS, Webhook
from tests.integration.governance.court import BOT, DONE, Court
from tests.support import hive
from tests.support.kubectl import Kubectl
from tests.support.webhook import serving

HOOKS = {"pheromones", "proposals"}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[hive.HiveApi]:
    made = hive.start(tmp_path_factory.mktemp("api"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def court(api: hive.HiveApi) -> Court:
    return Court.convene(Kubectl(api.kubeconfig))


@pytest.fixture
async def client(api: hive.HiveApi) -> AsyncIterator[KubeClient]:
    async with KubeClient(config.load(path=api.kubeconfig)) as made:
        yield made


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def post(port: int, path: str, body: bytes) -> int:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
    connection.request("POST", path, body)
    return connection.getresponse().status


async def asked(court: Court, who: str = BOT) -> tuple[str, str]:
    """What `who` is told of a proposal and of a signal."""
    proposal = await asyncio.to_thread(court.proposal, who, f"p-{next(_numbers)}")
    signal = await asyncio.to_thread(court.signal, who, f"s-{next(_numbers)}", source=who.split(":")[-1])
    return proposal, signal


async def test_what_t_gent_says_is_told_with_its_rule(client: KubeClient, court: Court) -> None:
    async def no(user: str, obj: Any) -> Refusal:
        return Refusal("rate", "too much: wait 3 s", 429, 3.0)

    async with Webhook(client, ("127.0.0.1", free_port()), dict.fromkeys(HOOKS, no)):
        proposal, signal = await asked(court)
        person, _ = await asked(court, "ann")
    assert "T-gent (rate): too much: wait 3 s" in proposal and "T-gent (rate)" in signal
    assert person == DONE


async def test_an_error_of_its_own_allows_no_proposal(client: KubeClient, court: Court) -> None:
    async def broken(user: str, obj: Any) -> None:
        raise KeyError("oh")

    async with Webhook(client, ("127.0.0.1", free_port()), dict.fromkeys(HOOKS, broken)):
        proposal, signal = await asked(court)
    assert 'failed calling webhook "proposals.tgent.kgents.io"' in proposal
    assert signal == DONE


async def test_one_that_hangs_is_not_waited_for_for_ever(client: KubeClient, court: Court) -> None:
    async def hangs(user: str, obj: Any) -> None:
        await asyncio.sleep(60)

    async with Webhook(client, ("127.0.0.1", free_port()), dict.fromkeys(HOOKS, hangs)):
        proposal, signal = await asked(court)
        person, _ = await asked(court, "ann")
    assert "failed calling webhook" in proposal
    assert (signal, person) == (DONE, DONE)


async def test_once_it_is_gone_proposals_wait_for_it(client: KubeClient, court: Court) -> None:
    async def yes(user: str, obj: Any) -> None:
        return None

    port = free_port()
    async with Webhook(client, ("127.0.0.1", port), dict.fromkeys(HOOKS, yes)):
        assert await asked(court) == (DONE, DONE)
    proposal, signal = await asked(court)
    assert "failed calling webhook" in proposal and signal == DONE
    # Another key, the same address: registering is all that it takes.
    async with Webhook(client, ("127.0.0.1", port), dict.fromkeys(HOOKS, yes)):
        assert await asked(court) == (DONE, DONE)


GARBAGE = [b"", b"yes", b"{}", b'{"response": {"allowed": true}}', b"[" * 1000, b'{"apiVersion": "v0"}']


@pytest.mark.parametrize("answer", GARBAGE, ids=range(len(GARBAGE)))
async def test_garbage_is_no_permission(client: KubeClient, court: Court, tmp_path: Path, answer: bytes) -> None:
    async def yes(user: str, obj: Any) -> None:
        return None

    async with Webhook(client, ("127.0.0.1", free_port()), dict.fromkeys(HOOKS, yes)):
        hooks = (await client.get(WEBHOOKS, "kgents-tgent"))["webhooks"]
    with serving(tmp_path) as hook:
        for one in hooks:
            one["clientConfig"] = {"url": f"{hook.url}/{one['name']}", "caBundle": hook.ca}
            hook.routes[f"/{one['name']}"] = lambda review: answer
        await client.apply(WEBHOOKS, {"metadata": {"name": "kgents-tgent"}, "webhooks": hooks})
        proposal, signal = await asked(court)
    assert "webhook" in proposal and signal == DONE


async def test_only_the_api_server_knows_where_to_ask(client: KubeClient, court: Court) -> None:
    heard = threading.Event()

    async def hears(user: str, obj: Any) -> None:
        heard.set()

    port = free_port()
    review = json.dumps({"request": {"uid": "u", "userInfo": {"username": BOT}, "object": {}}}).encode()
    async with Webhook(client, ("127.0.0.1", port), dict.fromkeys(HOOKS, hears)):
        said = [await asyncio.to_thread(post, port, path, review) for path in ("/proposals", "/", "/x/proposals")]
    assert (said, heard.is_set()) == ([404] * 3, False)
