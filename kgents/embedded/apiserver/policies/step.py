"""Judges a write by the policies in force."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kgents.embedded.apiserver import targets, warn
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.admission_request import request
from kgents.embedded.apiserver.errors import StatusError, forbidden
from kgents.embedded.apiserver.policies import params
from kgents.embedded.apiserver.policies.compiled import Binding, Policy
from kgents.embedded.apiserver.policies.evaluate import Shown, Violation, evaluate
from kgents.embedded.apiserver.registry import Resource

Object = dict[str, Any]
CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
INLINE = 64
"""Evaluations up to which going to a thread costs more than it saves; large bodies count for more."""
PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluation: a policy on behalf of a binding, with its values."""

    policy: Policy
    binding: Binding
    values: Object


@dataclass(frozen=True, slots=True)
class Verdict:
    """One violation and where it comes from. `unusable`: the binding could not be used at all, which always denies."""

    policy: Policy
    binding: Binding
    violation: Violation
    unusable: bool = False


async def judge(review: Review, policies: tuple[Policy, ...]) -> None:
    """Asks every policy in force. Raises 403, 422 or whatever reason a violated rule gives."""
    cases, verdicts = _cases(review, policies)
    if cases:
        verdicts += await _evaluated(review, cases)
    denied = [verdict for verdict in verdicts if _counts(review, verdict)]
    if denied:
        raise _refusal(review, denied[0])


def _cases(review: Review, policies: tuple[Policy, ...]) -> tuple[list[Case], list[Verdict]]:
    cases: list[Case] = []
    verdicts: list[Verdict] = []
    shown: dict[Resource, Object] = {}
    for policy in policies:
        resource = policy.target.match(review)
        if resource is None:
            continue
        for binding in policy.bindings:
            if binding.target.match(review) is None:
                continue
            try:
                found = params.find(review, policy.param_kind, binding.params)
            except params.ParamError as error:
                if policy.fails_closed:
                    why = Violation(f"failed to configure binding: {error.what}")
                    verdicts.append(Verdict(policy, binding, why, unusable=True))
                continue
            if resource not in shown:
                shown[resource] = _values(review, resource)
            plain = shown[resource]
            cases += [Case(policy, binding, {**plain, "params": one} if policy.param_kind else plain) for one in found]
    return cases, verdicts


def _values(review: Review, resource: Resource) -> Object:
    from kgents.embedded.apiserver.metadata import new_uid
    from kgents.embedded.apiserver.policies.conditions import values

    obj, old = (targets.seen_as(review, resource, one) for one in (review.obj, review.old))
    return values(review, obj, old, request(review, resource, new_uid()))


async def _evaluated(review: Review, cases: list[Case]) -> list[Verdict]:
    work = sum(len(case.policy.validations) for case in cases) * (1 + len(review.call.body) // PIECE)
    # The authorizer reads the store, which only the event loop's own thread may do.
    if work <= INLINE or any(case.policy.asks for case in cases):
        return list(_run(review, cases))
    return await asyncio.to_thread(lambda: list(_run(review, cases)))


def _run(review: Review, cases: list[Case]) -> Iterator[Verdict]:
    from kgents.embedded.apiserver.policies.authorizer import asking

    call = review.call
    # Policies without parameters share their values, which are converted once.
    shown: dict[tuple[tuple[str, ...], int], Shown] = {}
    with asking(call.api.authorizer, call.user):
        for case in cases:
            key = (case.policy.names, id(case.values))
            if key not in shown:
                shown[key] = Shown(case.policy.names, case.values)
            for violation in evaluate(case.policy, shown[key]):
                yield Verdict(case.policy, case.binding, violation)


def _counts(review: Review, verdict: Verdict) -> bool:
    """Whether a violation refuses the write; it may be told as a warning instead or as well."""
    if verdict.unusable:
        return True
    if "Warn" in verdict.binding.actions:
        where = f"ValidatingAdmissionPolicy '{verdict.policy.name}' with binding '{verdict.binding.name}'"
        warn.add(review.call.warnings, f"Validation failed for {where}: {verdict.violation.message}")
    return "Deny" in verdict.binding.actions


def _refusal(review: Review, verdict: Verdict) -> StatusError:
    where = f"ValidatingAdmissionPolicy '{verdict.policy.name}' with binding '{verdict.binding.name}'"
    message = f"{where} denied request: {verdict.violation.message}"
    resource = review.call.resource
    error = forbidden(resource.group, resource.plural, review.name, message, [{"message": message}])
    error.reason = verdict.violation.reason or "Invalid"
    error.code = CODES.get(error.reason, 422)
    return error
