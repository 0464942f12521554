from __future__ import annotations

import datetime
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kgents.api.errors import KgentsError, Refused
from kgents.kube.config import ClusterConfig, ExecPlugin
from kgents.sdk.login import AccountLogin, Login

SERVER = "https://127.0.0.1:1"


def config(**more: Any) -> ClusterConfig:
    return ClusterConfig("test", SERVER, **more)


def plugin(code: str) -> ExecPlugin:
    return ExecPlugin(sys.executable, ("-c", code), install_hint="Install it")


def pair() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ann")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    return made.sign(key, hashes.SHA256()).public_bytes(pem), secret


def test_a_token_that_is_renewed_in_its_file_is_used_at_once(tmp_path: Path) -> None:
    file = tmp_path / "token"
    login = Login(config(token_file=str(file)))
    file.write_text("one\n")
    assert login.headers() == [("Authorization", "Bearer one")]
    file.write_text("two\n")
    assert login.headers() == [("Authorization", "Bearer two")]


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"cannot read the token file .*nowhere: No such file"):
        Login(config(token_file=str(tmp_path / "nowhere"))).headers()


def test_passwords_and_impersonation_go_along() -> None:
    login = Login(config(username="ann", password="x", impersonate="bob", impersonate_groups=("a", "b")))
    told = [("Impersonate-User", "bob"), ("Impersonate-Group", "a"), ("Impersonate-Group", "b")]
    assert login.headers() == [("Authorization", "Basic YW5uOng="), *told]


def test_a_plugin_is_run_once_and_again_when_the_server_does_not_know_it(tmp_path: Path) -> None:
    count = tmp_path / "count"
    code = f"open({str(count)!r}, 'a').write('x'); print('{{\"status\": {{\"token\": \"t\"}}}}')"
    login = Login(config(exec=plugin(code)))
    assert [login.headers(), login.headers()] == 2 * [[("Authorization", "Bearer t")]]
    assert count.read_text() == "x"
    assert login.renew()
    login.headers()
    assert count.read_text() == "xx"


@pytest.mark.parametrize(
    ("code", "said"), [("print(1)", "no ExecCredential"), ("raise SystemExit('not logged in')", "not logged in")]
)
def test_a_plugin_that_fails_says_why(code: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Login(config(exec=plugin(code))).headers()


def test_a_plugin_that_is_not_there_says_how_to_get_it() -> None:
    with pytest.raises(Refused, match="Install it"):
        Login(config(exec=ExecPlugin("/nowhere/at/all", install_hint="Install it"))).headers()


def test_a_certificate_in_the_kubeconfig_itself_is_used() -> None:
    certificate, key = pair()
    assert isinstance(Login(config(client_cert_data=certificate, client_key_data=key)).context(), ssl.SSLContext)


def test_a_broken_certificate_is_an_error_that_names_the_context() -> None:
    with pytest.raises(KgentsError, match="the certificates of context test cannot be used"):
        Login(config(client_cert_data=b"no", client_key_data=b"pem")).context()


def test_an_accounts_token_is_asked_for_again_before_it_expires() -> None:
    asked = []

    def ask(seconds: int) -> Any:
        asked.append(seconds)
        return {"status": {"token": f"t{len(asked)}", "expirationTimestamp": "2001-01-01T00:00:00Z"}}

    login = AccountLogin(config(token="admin", impersonate="bob", client_cert_file="/x"), ask)
    assert [login.headers(), login.headers()] == [[("Authorization", "Bearer t1")], [("Authorization", "Bearer t2")]]
    assert login.config.client_cert_file is None


def test_an_accounts_token_serves_as_long_as_it_holds() -> None:
    status = {"token": "t", "expirationTimestamp": "2999-01-01T00:00:00Z"}
    asked: list[int] = []
    login = AccountLogin(config(), lambda seconds: asked.append(seconds) or {"status": status})
    login.headers(), login.headers()
    assert asked == [3600]
    login.renew()
    login.headers()
    assert asked == [3600, 3600]
