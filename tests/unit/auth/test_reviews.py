from __future__ import annotations

from collections.abc import Callable

import pytest

from kgents.embedded.auth.authenticate import Authenticator
from kgents.embedded.auth.authorize import Authorizer
from kgents.embedded.auth.errors import BadReview
from kgents.embedded.auth.reviews import Reviews
from kgents.embedded.auth.user import User

Grant = Callable[..., None]
JO = User("jo", groups=("system:authenticated",))
PODS = {"verb": "get", "resource": "pods", "namespace": "lab"}
READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}


@pytest.fixture
def reviews(authenticator: Authenticator, authorizer: Authorizer) -> Reviews:
    return Reviews(authenticator, authorizer)


def test_who_am_i(reviews: Reviews) -> None:
    answer = reviews.create("selfsubjectreviews", {}, JO)

    assert answer["status"]["userInfo"] == {"username": "jo", "groups": ["system:authenticated"]}


def test_may_i_follows_the_roles(reviews: Reviews, grant: Grant) -> None:
    question = {"spec": {"resourceAttributes": PODS}}
    assert reviews.create("selfsubjectaccessreviews", question, JO)["status"] == {"allowed": False}

    grant("jo", READ_PODS)

    assert reviews.create("selfsubjectaccessreviews", question, JO)["status"]["allowed"] is True


def test_may_somebody_else(reviews: Reviews, grant: Grant) -> None:
    grant("alice", READ_PODS)

    answer = reviews.create("subjectaccessreviews", {"spec": {"user": "alice", "resourceAttributes": PODS}}, JO)

    assert answer["spec"] == {"user": "alice", "resourceAttributes": PODS}
    assert answer["status"]["allowed"] is True


@pytest.mark.parametrize("spec", [{}, {"resourceAttributes": PODS, "nonResourceAttributes": {"path": "/"}}])
def test_a_question_about_nothing_or_two_things_is_invalid(reviews: Reviews, spec: dict[str, object]) -> None:
    with pytest.raises(BadReview) as caught:
        reviews.create("selfsubjectaccessreviews", {"spec": spec}, JO)

    assert caught.value.code == 422


AT = "spec.resourceAttributes.fieldSelector"


@pytest.mark.parametrize(
    ("selector", "why"),
    [
        ({}, f"{AT}.requirements: Required value: when {AT} is specified, requirements or rawSelector is required"),
        (
            {"rawSelector": "a=b", "requirements": [{"key": "a", "operator": "Exists"}]},
            f'{AT}.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements',
        ),
        ({"requirements": [{"operator": "Exists"}]}, f"{AT}.requirements[0].key: Required value: must be specified"),
        (
            {"requirements": [{"key": "a", "operator": "In"}]},
            f"{AT}.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ),
        (
            {"requirements": [{"key": "a", "operator": "Exists", "values": ["b"]}]},
            f"{AT}.requirements[0].values: Forbidden: may not be specified when `operator` is 'Exists' or "
            "'DoesNotExist'",
        ),
    ],
)
def test_a_question_about_some_objects_must_say_which(reviews: Reviews, selector: object, why: str) -> None:
    question = {"spec": {"resourceAttributes": {**PODS, "fieldSelector": selector}}}

    with pytest.raises(BadReview) as caught:
        reviews.create("selfsubjectaccessreviews", question, JO)

    assert str(caught.value).endswith(f"is invalid: {why}")


@pytest.mark.parametrize(
    "one", [{"key": "a", "operator": "NotYetKnown"}, {"key": "a", "operator": "In", "values": ["b"]}]
)
def test_operators_of_tomorrow_may_be_asked_about(reviews: Reviews, one: object) -> None:
    question = {"spec": {"resourceAttributes": {**PODS, "labelSelector": {"requirements": [one]}}}}
    assert reviews.create("selfsubjectaccessreviews", question, JO)["status"] == {"allowed": False}


def test_a_local_review_stays_in_its_namespace(reviews: Reviews) -> None:
    question = {"spec": {"user": "alice", "resourceAttributes": PODS}}

    with pytest.raises(BadReview, match=r"must match metadata\.namespace"):
        reviews.create("localsubjectaccessreviews", question, JO, "other")


def test_what_may_i_lists_the_rules(reviews: Reviews, grant: Grant) -> None:
    grant("jo", READ_PODS)

    status = reviews.create("selfsubjectrulesreviews", {"spec": {"namespace": "lab"}}, JO)["status"]

    assert READ_PODS in status["resourceRules"]
    assert status["incomplete"] is False


def test_a_token_that_is_none_is_not_authenticated(reviews: Reviews) -> None:
    answer = reviews.create("tokenreviews", {"spec": {"token": "nonsense"}}, JO)

    assert "authenticated" not in answer["status"]


def test_a_token_tells_its_user(reviews: Reviews, authenticator: Authenticator) -> None:
    token = authenticator.accounts.request("lab", "bot", {})["status"]["token"]

    status = reviews.create("tokenreviews", {"spec": {"token": token}}, JO)["status"]

    assert status["authenticated"] is True
    assert status["user"]["username"] == "system:serviceaccount:lab:bot"


def test_a_token_for_others_is_reviewed_for_their_audience(reviews: Reviews, authenticator: Authenticator) -> None:
    token = authenticator.accounts.request("lab", "bot", {"spec": {"audiences": ["vault", "db"]}})["status"]["token"]

    answer = reviews.create("tokenreviews", {"spec": {"token": token, "audiences": ["vault", "x"]}}, JO)

    assert answer["status"]["audiences"] == ["vault"]


def test_a_token_for_others_says_whose_it_is(reviews: Reviews, authenticator: Authenticator) -> None:
    made = authenticator.accounts.request("lab", "bot", {"spec": {"audiences": ["vault"]}})
    status = reviews.create("tokenreviews", {"spec": {"token": made["status"]["token"]}}, JO)["status"]

    assert 'token audiences ["vault"] is invalid for the target audiences' in status["error"]


def test_a_question_has_no_name(reviews: Reviews) -> None:
    question = {"metadata": {"name": "x"}, "spec": {"user": "alice", "resourceAttributes": PODS}}

    with pytest.raises(BadReview, match="must be empty"):
        reviews.create("subjectaccessreviews", question, JO)
