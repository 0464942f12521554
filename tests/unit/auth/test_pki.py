from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from kgents.embedded.auth import pki

CERTIFICATES = ("ca.crt", "apiserver.crt", "kubelet.crt", "kubelet-client.crt")


def snapshot(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


@pytest.fixture
def made(tmp_path: Path) -> pki.Pki:
    return pki.ensure(tmp_path / "pki", ["127.77.0.1"])


def names(path: Path) -> set[str]:
    cert = x509.load_pem_x509_certificate(path.read_bytes())
    value = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*value.get_values_for_type(x509.DNSName), *map(str, value.get_values_for_type(x509.IPAddress))}


def test_the_server_certificate_names_every_way_to_reach_it(made: pki.Pki) -> None:
    wanted = {"127.0.0.1", "localhost", "127.77.0.1", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}

    assert wanted <= names(made.apiserver_cert)


def test_nothing_is_readable_by_others(made: pki.Pki) -> None:
    assert stat.S_IMODE(made.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in made.directory.iterdir()} == {0o600}


def test_a_second_start_changes_nothing(made: pki.Pki) -> None:
    before = snapshot(made.directory)

    pki.ensure(made.directory, ["127.77.0.1"])

    assert snapshot(made.directory) == before


@pytest.mark.parametrize("name", ["apiserver.crt", "apiserver.key", "kubelet.crt", "kubelet-client.key"])
def test_a_torn_file_is_remade_and_the_authority_stays(made: pki.Pki, name: str) -> None:
    authority = made.ca_cert.read_bytes()
    torn = (made.directory / name).read_bytes()[:100]
    (made.directory / name).write_bytes(torn)

    pki.ensure(made.directory, ["127.77.0.1"])

    assert (made.directory / name).read_bytes() != torn
    assert made.ca_cert.read_bytes() == authority
    pki.server_context(made)


def test_a_new_address_is_added_and_the_old_ones_stay(made: pki.Pki) -> None:
    pki.ensure(made.directory, ["127.78.0.1"])

    assert {"127.77.0.1", "127.78.0.1"} <= names(made.apiserver_cert)


def test_a_lost_authority_remakes_all_certificates(made: pki.Pki) -> None:
    before = snapshot(made.directory)
    made.ca_key.unlink()

    pki.ensure(made.directory, ["127.77.0.1"])

    after = snapshot(made.directory)
    assert not [name for name in CERTIFICATES if after[name] == before[name]]
    assert after["sa.key"] == before["sa.key"]


def test_an_expiring_certificate_is_remade(made: pki.Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.apiserver_cert.read_bytes()
    monkeypatch.setattr(pki, "_RENEW_BEFORE", pki._LIFETIME * 2)

    pki.ensure(made.directory, ["127.77.0.1"])

    assert made.apiserver_cert.read_bytes() != before


def test_the_kubelet_client_is_who_the_kubelet_expects(made: pki.Pki) -> None:
    cert = x509.load_pem_x509_certificate(made.kubelet_client_cert.read_bytes())

    assert pki.KUBELET_CLIENT_NAME in cert.subject.rfc4514_string()


def test_two_starts_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pki.ensure(tmp_path / "pki"), range(4)))

    before = snapshot(tmp_path / "pki")
    pki.ensure(tmp_path / "pki")
    assert snapshot(tmp_path / "pki") == before
