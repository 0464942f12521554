from __future__ import annotations

import json
from typing import Any

import pytest

from kgents.api.redact import LAST_APPLIED, REDACTED, is_secret_key, redact, redact_text


@pytest.mark.parametrize(
    "key", ["password", "apiKey", "api_key", "DB_PASSWORD", "token", "GITHUB_TOKEN", "clientSecret", "auth"]
)
def test_keys_of_secrets_are_known(key: str) -> None:
    assert is_secret_key(key)


@pytest.mark.parametrize(
    "key", ["secretRef", "secretName", "tokenBudget", "author", "name", "tokenFile", "maxTokens", "keyword"]
)
def test_keys_that_only_speak_of_secrets_stay(key: str) -> None:
    assert not is_secret_key(key)


def test_a_secrets_data_is_gone_and_its_keys_stay() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "aHVudGVy"}, "stringData": {"b": "hunter"}}
    assert redact(secret) == {**secret, "data": {"a": REDACTED}, "stringData": {"b": REDACTED}}


def test_an_environment_variable_is_judged_by_its_name() -> None:
    env = [
        {"name": "API_KEY", "value": "hunter2"},
        {"name": "PORT", "value": "80"},
        {"name": "API_KEY", "valueFrom": {}},
    ]
    assert [entry.get("value") for entry in redact(env)] == [REDACTED, "80", None]


def test_what_kubectl_applied_last_is_redacted_inside() -> None:
    applied = json.dumps({"spec": {"password": "hunter2", "a": 1}})
    clean = redact({"annotations": {LAST_APPLIED: applied}})
    assert json.loads(clean["annotations"][LAST_APPLIED]) == {"spec": {"password": REDACTED, "a": 1}}


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2hunter2",
        "postgres://me:hunter2@db/x",
        "--token=hunter2",
        'password: "hunter2"',
        "key sk-hunter2hunter2hunter2",
        "eyJhbGciOiJSUzI1hunter2.eyJzdWIiOiIxhunter2.c2lnbmhunter2",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_shapes_of_secrets_are_seen_in_text(text: str) -> None:
    assert "hunter2" not in redact_text(text)


@pytest.mark.parametrize("text", ["all is well", "http://host:8080/path", "the token expired", "spec.secretRef"])
def test_plain_text_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize("text", ["token=" * 20_000, "eyJ" * 50_000, "://a" * 50_000, "-----BEGIN " * 20_000])
def test_hostile_text_ends(text: str) -> None:
    assert len(redact_text(text)) < 1_000_000


def test_the_original_is_untouched() -> None:
    obj: dict[str, Any] = {"a": {"password": "x"}, "l": [1, None, True]}
    assert redact(obj) == {"a": {"password": REDACTED}, "l": [1, None, True]}
    assert obj["a"]["password"] == "x"
