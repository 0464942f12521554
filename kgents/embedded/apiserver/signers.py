"""The judge of certificate requests: who may approve, deny and sign for which signer, and whom nobody may become.

Kubernetes' admission plugins CertificateApproval, CertificateSigning and CertificateSubjectRestriction
(https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/).
"""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.errors import forbidden
from kgents.embedded.apiserver.kinds.certificates import CLIENT_SIGNER, GROUP, organizations
from kgents.embedded.auth.authorize import Attributes
from kgents.embedded.auth.user import MASTERS

Object = dict[str, Any]
PLURAL = "certificatesigningrequests"


class Signers:
    """Asks for the permission on the signer that a request names."""

    again = False

    async def mutate(self, review: Review) -> None:
        """Changes nothing."""

    async def validate(self, review: Review) -> None:
        """Raises 403."""
        new, old = review.obj, review.old
        if new is None or review.call.resource.group != GROUP or review.call.resource.plural != PLURAL:
            return
        if old is None:
            spec = new["spec"]
            if spec.get("signerName") == CLIENT_SIGNER and MASTERS in organizations(spec.get("request")):
                raise _refusal(review, f"use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed")
        elif review.subresource == "approval":
            _confirm(review, "approve", old)
        elif review.subresource == "status" and _signed(new) != _signed(old):
            _confirm(review, "sign", old)


def _signed(obj: Object) -> tuple[Any, bool]:
    status = obj.get("status") or {}
    return status.get("certificate"), any(one.get("type") == "Failed" for one in status.get("conditions") or ())


def _confirm(review: Review, verb: str, old: Object) -> None:
    """A permission on `domain/*` is one on every signer of the domain."""
    signer = str(old["spec"].get("signerName", ""))
    call = review.call
    for name in (signer, signer.partition("/")[0] + "/*"):
        if call.api.authorizer.authorize(Attributes(call.user, verb, GROUP, "*", "signers", name=name)):
            return
    raise _refusal(review, f'user not permitted to {verb} requests with signerName "{signer}"')


def _refusal(review: Review, why: str) -> Exception:
    return forbidden(GROUP, PLURAL, review.name, why)
