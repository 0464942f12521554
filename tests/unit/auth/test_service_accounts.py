from __future__ import annotations

from typing import Any

import jwt
import pytest

from kgents.embedded.auth.authenticate import ServiceAccountTokens
from kgents.embedded.auth.errors import BadReview

from .conftest import World

POD = {"metadata": {"name": "p", "uid": "p-1"}, "spec": {"serviceAccountName": "bot"}}


def token(accounts: ServiceAccountTokens, **spec: Any) -> str:
    answer = accounts.request("lab", "bot", {"spec": spec})
    return str(answer["status"]["token"])


def test_the_claims_are_those_of_kubernetes(accounts: ServiceAccountTokens, world: World) -> None:
    claims = jwt.decode(token(accounts, expirationSeconds=3600), options={"verify_signature": False})

    assert claims["sub"] == "system:serviceaccount:lab:bot"
    assert claims["aud"] == [accounts.issuer] and claims["iss"] == accounts.issuer
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["kubernetes.io"] == {"namespace": "lab", "serviceaccount": {"name": "bot", "uid": "u-1"}}


def test_a_token_proves_its_account(accounts: ServiceAccountTokens) -> None:
    user = accounts.verify(token(accounts))

    assert user is not None
    assert (user.name, user.uid) == ("system:serviceaccount:lab:bot", "u-1")
    assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:lab", "system:authenticated")


def test_a_token_dies_with_its_account(accounts: ServiceAccountTokens, world: World) -> None:
    made = token(accounts)
    assert accounts.verify(made)

    world.objects.clear()

    assert accounts.verify(made) is None


def test_a_new_account_of_the_same_name_does_not_revive_a_token(accounts: ServiceAccountTokens, world: World) -> None:
    made = token(accounts)

    world.add_account(uid="u-2")

    assert accounts.verify(made) is None


def test_a_bound_token_dies_with_its_pod(accounts: ServiceAccountTokens, world: World) -> None:
    world.objects["pods", "lab", "p"] = POD
    made = token(accounts, boundObjectRef={"kind": "Pod", "apiVersion": "v1", "name": "p", "uid": "p-1"})
    user = accounts.verify(made)
    assert user and user.extra["authentication.kubernetes.io/pod-name"] == ("p",)

    del world.objects["pods", "lab", "p"]

    assert accounts.verify(made) is None


def test_an_expired_token_is_worth_nothing(accounts: ServiceAccountTokens, world: World) -> None:
    made = token(accounts, expirationSeconds=600)
    assert accounts.verify(made)

    world.time += 601

    assert accounts.verify(made) is None


def test_a_token_for_another_audience_does_not_open_the_api(accounts: ServiceAccountTokens) -> None:
    made = token(accounts, audiences=["vault"])

    assert accounts.verify(made) is None
    assert accounts.verify(made, ["vault"])


def test_a_pod_of_another_account_lends_no_token(accounts: ServiceAccountTokens, world: World) -> None:
    world.objects["pods", "lab", "p"] = {**POD, "spec": {"serviceAccountName": "other"}}

    with pytest.raises(BadReview, match='serviceaccount "bot" to pod running with serviceaccount "other"'):
        token(accounts, boundObjectRef={"kind": "Pod", "name": "p"})


def test_a_pods_token_tells_the_node(accounts: ServiceAccountTokens, world: World) -> None:
    world.objects["pods", "lab", "p"] = {**POD, "spec": {"serviceAccountName": "bot", "nodeName": "here"}}
    world.objects["nodes", "", "here"] = {"metadata": {"name": "here", "uid": "n-1"}}

    user = accounts.verify(token(accounts, boundObjectRef={"kind": "Pod", "name": "p"}))

    assert user is not None
    assert user.extra["authentication.kubernetes.io/node-name"] == ("here",)


def test_a_token_of_a_node_dies_with_it(accounts: ServiceAccountTokens, world: World) -> None:
    world.objects["nodes", "", "here"] = {"metadata": {"name": "here", "uid": "n-1"}}
    bound = token(accounts, boundObjectRef={"kind": "Node", "name": "here"})
    assert accounts.verify(bound) is not None

    del world.objects["nodes", "", "here"]
    assert accounts.verify(bound) is None


def test_a_body_about_another_account_is_invalid(accounts: ServiceAccountTokens) -> None:
    with pytest.raises(BadReview, match="must match the service account name if specified"):
        accounts.request("lab", "bot", {"metadata": {"name": "other"}})


def test_an_unsigned_token_is_refused(accounts: ServiceAccountTokens) -> None:
    claims = jwt.decode(token(accounts), options={"verify_signature": False})

    assert accounts.verify(jwt.encode(claims, key="", algorithm="none")) is None
    assert accounts.verify(jwt.encode(claims, key="k" * 32, algorithm="HS256")) is None


def test_a_changed_token_is_refused(accounts: ServiceAccountTokens) -> None:
    head, body, signature = token(accounts).split(".")

    assert accounts.verify(f"{head}.{body[:-2]}AA.{signature}") is None


def test_a_missing_account_is_not_found(accounts: ServiceAccountTokens) -> None:
    with pytest.raises(BadReview) as caught:
        accounts.request("lab", "nope", {})

    assert caught.value.status["message"] == 'serviceaccounts "nope" not found'
    assert caught.value.code == 404


@pytest.mark.parametrize(("seconds", "words"), [(60, "less than 10 minutes"), (2**33, "larger than")])
def test_a_lifetime_out_of_bounds_is_invalid(accounts: ServiceAccountTokens, seconds: int, words: str) -> None:
    with pytest.raises(BadReview, match=words) as caught:
        accounts.request("lab", "bot", {"spec": {"expirationSeconds": seconds}})

    assert caught.value.code == 422


def test_a_pod_of_another_uid_is_a_conflict(accounts: ServiceAccountTokens, world: World) -> None:
    world.objects["pods", "lab", "p"] = POD

    with pytest.raises(BadReview) as caught:
        token(accounts, boundObjectRef={"kind": "Pod", "name": "p", "uid": "other"})

    assert caught.value.code == 409
