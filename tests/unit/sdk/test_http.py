"""What the SDK makes of a network at its worst."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kgents.api.errors import Refused, Unreachable
from kgents.api.kinds import CONFIG_MAP, PHEROMONE
from kgents.api.operations.requests import Create, Delete, Get, List, Patch
from kgents.kube.errors import AlreadyExists, Conflict, TooManyRequests
from tests.unit.sdk.server import answer, half, hang_up, serving

SIGNAL = {"metadata": {"name": "one"}, "spec": {"type": "WARNING", "payload": "x"}}
THERE = answer(409, {"reason": "AlreadyExists", "message": "it is there"})


def gone(code: int = 404, reason: str = "NotFound") -> Any:
    return answer(code, {"reason": reason, "message": "no"})


@pytest.mark.parametrize("break_off", [hang_up, half])
def test_what_was_not_answered_is_asked_again(break_off: Any) -> None:
    with serving(answer(200, {"n": 1}), break_off, answer(200, {"n": 2})) as server:
        api = server.api()
        assert [api.call("GET", "/a")["n"], api.call("GET", "/b")["n"]] == [1, 2]
        assert [one.target for one in server.asked] == ["/a", "/b", "/b"]


def test_a_connection_is_used_again_also_by_many_threads() -> None:
    with serving(answer(200, {})) as server:
        api = server.api()
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda number: api.call("GET", f"/{number}"), range(60)))
        assert len(server.asked) == 60
        assert server.connections <= 3


def test_a_signal_whose_answer_was_lost_is_made_once() -> None:
    stored = {"metadata": {"name": "one", "uid": "u"}, "spec": {**SIGNAL["spec"], "initialIntensity": 1}}
    with serving(hang_up, THERE, answer(200, stored)) as server:
        assert server.api().send(Create(PHEROMONE, SIGNAL, "default")) == stored
        assert [one.method for one in server.asked] == ["POST", "POST", "GET"]


def test_who_may_not_look_believes_that_it_was_made() -> None:
    with serving(hang_up, THERE, gone(403, "Forbidden")) as server:
        assert server.api().send(Create(PHEROMONE, SIGNAL, "default")) == SIGNAL


def test_another_of_that_name_is_not_taken_for_ours() -> None:
    other = {"metadata": {"name": "one"}, "spec": {"type": "DREAM"}}
    with serving(hang_up, THERE, answer(200, other)) as server, pytest.raises(AlreadyExists):
        server.api().send(Create(PHEROMONE, SIGNAL, "default"))
    with serving(THERE) as server, pytest.raises(AlreadyExists):
        server.api().send(Create(PHEROMONE, SIGNAL, "default"))


def test_what_the_server_names_is_never_asked_for_twice() -> None:
    with serving(hang_up) as server:
        with pytest.raises(Unreachable, match="it is not known whether"):
            server.api().send(Create(CONFIG_MAP, {"metadata": {"generateName": "a-"}}, "default"))
        assert len(server.asked) == 1


def test_a_json_patch_is_never_sent_twice() -> None:
    patch = Patch(CONFIG_MAP, "a", [{"op": "add", "path": "/data/x", "value": "1"}], "default", type="json")
    with serving(hang_up) as server:
        with pytest.raises(Unreachable):
            server.api().send(patch)
        assert len(server.asked) == 1


def test_a_deletion_whose_answer_was_lost_is_done() -> None:
    with serving(hang_up, gone()) as server:
        assert server.api().send(Delete(PHEROMONE, "one", "default")) is None


def test_a_server_that_says_not_now_is_waited_for() -> None:
    with serving(answer(503, {}), answer(503, {}), answer(200, {"n": 3})) as server:
        assert server.api().call("GET", "/a") == {"n": 3}


def test_a_server_that_stays_away_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with serving(hang_up) as server:
        server.port = port
        with pytest.raises(Unreachable, match="does not answer: Connection refused"):
            server.api(patience=0.2).call("GET", "/a")


def test_too_often_says_when_and_can_wait_itself() -> None:
    busy = answer(429, {"reason": "TooManyRequests", "message": "slow down"}, "Retry-After: 1")
    with serving(busy, busy, answer(200, {"n": 1})) as server:
        with pytest.raises(TooManyRequests, match="slow down") as caught:
            server.api().call("GET", "/a")
        assert caught.value.retry_after == 1
        assert server.api(wait_if_busy=30).call("GET", "/a") == {"n": 1}


def test_pages_that_have_aged_are_read_anew() -> None:
    first = answer(200, {"metadata": {"continue": "next", "resourceVersion": "1"}, "items": [1]})
    last = answer(200, {"metadata": {"resourceVersion": "2"}, "items": [2]})
    with serving(first, gone(410, "Expired"), first, last) as server:
        assert server.api().send(List(PHEROMONE, "default")) == [1, 2]


def test_an_answer_that_is_no_json_is_an_error_with_its_beginning() -> None:
    def html(connection: socket.socket) -> bool:
        connection.sendall(b"HTTP/1.1 502 Bad\r\nContent-Length: 9\r\n\r\n<h1>oh</h")
        return True

    with serving(html) as server, pytest.raises(Exception, match="<h1>oh"):
        server.api().call("GET", "/a")


def test_names_lead_nowhere_else() -> None:
    with serving(answer(200, {})) as server:
        server.api().send(Get(PHEROMONE, "../../secrets/x?y", "default"))
        assert server.asked[0].target.endswith("/pheromones/..%2F..%2Fsecrets%2Fx%3Fy")


def test_a_fork_does_not_read_its_parents_answers() -> None:
    with serving(answer(200, {})) as server:
        api = server.api()
        api.call("GET", "/parent")
        child = os.fork()
        if child == 0:
            api.call("GET", "/child")
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        api.call("GET", "/parent")
        assert server.connections == 2


def test_refusals_are_told_apart() -> None:
    for status, reason, error in [
        (403, "Forbidden", Refused),
        (401, "Unauthorized", Refused),
        (409, "Conflict", Conflict),
    ]:
        with serving(gone(status, reason)) as server, pytest.raises(error):
            server.api().call("GET", "/a")
