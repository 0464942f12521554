"""Certificate requests: who asks stays written in them, approval is for good, and the hive's own signer.

Of Kubernetes' signers the embedded hive knows one, kubernetes.io/kube-apiserver-client: what is approved for it is
signed at once with the hive's authority. Requests to any other signer wait for whoever signs for that
(https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

from kgents.embedded.apiserver.names import dns_subdomain
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.auth.pki import sign_client
from kgents.embedded.auth.user import MASTERS
from kgents.embedded.schema.causes import Cause, duplicate, forbidden, invalid, not_supported, required

Object = dict[str, Any]
GROUP = "certificates.k8s.io"
CLIENT_SIGNER = "kubernetes.io/kube-apiserver-client"
CLIENT_USAGES = frozenset({"client auth", "digital signature", "key encipherment"})
LIFETIME = timedelta(days=365)
SHORTEST = 600
FINAL = ("Approved", "Denied")
USAGES = frozenset(
    {
        *("any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment"),
        *("decipher only", "digital signature", "email protection", "encipher only", "ipsec end system"),
        *("ipsec tunnel", "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc"),
        *("ocsp signing", "s/mime", "server auth", "signing", "timestamping"),
    }
)
SIGNER_FORM = "must be a fully qualified domain and path of the form 'example.com/signer-name'"


def parse(request: Any) -> x509.CertificateSigningRequest:
    """The request in `spec.request`. Raises ValueError where that is none, or not signed by its own key."""
    try:
        found = x509.load_pem_x509_csr(base64.b64decode(str(request or ""), validate=True))
        signed = found.is_signature_valid
    except (UnsupportedAlgorithm, TypeError, ValueError):
        raise ValueError("PEM block type must be CERTIFICATE REQUEST") from None
    if not signed:
        raise ValueError("x509: the signature is not that of the key in the request")
    return found


def organizations(request: Any) -> set[str]:
    """The groups that whoever gets the certificate would be in. Raises ValueError."""
    return {str(one.value) for one in parse(request).subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}


class RequestStrategy(Strategy):
    """CertificateSigningRequest. Its spec is written once."""

    def default(self, obj: Object) -> None:
        for condition in (obj.get("status") or {}).get("conditions") or ():
            condition.setdefault("status", "True")

    def prepare_create(self, obj: Object, write: Write) -> None:
        spec = obj.setdefault("spec", {})
        for key in ("username", "uid", "groups", "extra"):
            spec.pop(key, None)
        if write.user is not None:
            spec.update(write.user.to_dict())
        obj["status"] = {}

    def prepare_update(self, new: Object, old: Object, write: Write) -> None:
        new["spec"] = old["spec"]
        before, after = old.get("status") or {}, new.get("status") or {}
        if write.subresource == "approval":
            new["status"] = {**before, "conditions": _dated(after.get("conditions") or [], before, write.now)}
            if not write.dry_run and _has(after, "Approved") and not _has(before, "Approved"):
                _sign(new, write)
        elif write.subresource == "status":
            others = [one for one in after.get("conditions") or [] if one.get("type") not in FINAL]
            kept = [one for one in before.get("conditions") or [] if one.get("type") in FINAL]
            new["status"] = {**after, "conditions": _dated(kept + others, before, write.now)}
        else:
            new["status"] = before

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        spec = obj["spec"]
        causes: list[Cause] = []
        try:
            parse(spec.get("request"))
        except ValueError as error:
            causes.append(invalid("spec.request", spec.get("request"), str(error)))
        usages = spec.get("usages") or []
        if not usages:
            causes.append(required("spec.usages"))
        for index, usage in enumerate(usages):
            if usage not in USAGES:
                causes.append(not_supported(f"spec.usages[{index}]", usage, sorted(USAGES)))
            elif usage in usages[:index]:
                causes.append(duplicate(f"spec.usages[{index}]", usage))
        causes += _signer(spec.get("signerName") or "")
        seconds = spec.get("expirationSeconds")
        if seconds is not None and seconds < SHORTEST:
            why = f"may not specify a duration less than {SHORTEST} seconds (10 minutes)"
            causes.append(invalid("spec.expirationSeconds", seconds, why))
        return causes

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        after, before = new.get("status") or {}, old.get("status") or {}
        causes = []
        for index, one in enumerate(after.get("conditions") or ()):
            if one["type"] == "Denied" and _has(after, "Approved"):
                why = "Approved and Denied conditions are mutually exclusive"
                causes.append(invalid(f"status.conditions[{index}].type", "Denied", why))
            if one["type"] in (*FINAL, "Failed") and one.get("status") != "True":
                causes.append(not_supported(f"status.conditions[{index}].status", one.get("status"), ["True"]))
        for kind in (*FINAL, "Failed"):
            if _has(before, kind) and not _has(after, kind):
                why = f'updates may not remove a condition of type "{kind}"'
                causes.append(forbidden("status.conditions", why))
        if before.get("certificate") and after.get("certificate") != before["certificate"]:
            causes.append(forbidden("status.certificate", "updates may not change a certificate that is set"))
        return causes


def _has(status: Object, kind: str) -> bool:
    return any(one.get("type") == kind for one in status.get("conditions") or ())


def _dated(conditions: list[Object], before: Object, now: str) -> list[Object]:
    """Conditions with the times at which they came and changed."""
    known = {one.get("type"): one for one in before.get("conditions") or ()}
    for one in conditions:
        old = known.get(one.get("type"), {})
        one["lastUpdateTime"] = one.get("lastUpdateTime") or now
        same = old.get("status") == one.get("status") and old.get("lastTransitionTime")
        one["lastTransitionTime"] = one.get("lastTransitionTime") or same or now
    return conditions


def _signer(name: str) -> list[Cause]:
    if not name:
        return [required("spec.signerName")]
    domain, slash, path = name.partition("/")
    if not slash or "/" in path or "." not in domain or dns_subdomain(domain) or not path:
        return [invalid("spec.signerName", name, SIGNER_FORM)]
    problem = dns_subdomain(path)
    return [invalid("spec.signerName", path, f'validating label "{path}": {problem}')] if problem else []


def _sign(obj: Object, write: Write) -> None:
    """Issues the certificate, or says in a condition why there is none."""
    spec = obj["spec"]
    if spec.get("signerName") != CLIENT_SIGNER:
        return
    usages = set(spec.get("usages") or ())
    request = parse(spec["request"])
    if "client auth" not in usages or usages - CLIENT_USAGES or MASTERS in organizations(spec["request"]):
        failed = {"type": "Failed", "status": "True", "reason": "SignerValidationFailure"}
        why = f"{CLIENT_SIGNER} signs for client auth, digital signature and key encipherment alone"
        obj["status"]["conditions"] += _dated([{**failed, "message": why}], {}, write.now)
        return
    seconds = spec.get("expirationSeconds")
    lifetime = LIFETIME if seconds is None else min(LIFETIME, timedelta(seconds=seconds))
    obj["status"]["certificate"] = base64.b64encode(sign_client(write.api.pki, request, lifetime)).decode()
