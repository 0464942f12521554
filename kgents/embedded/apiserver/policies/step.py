"""Judges a write by the policies in force."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from kgents.embedded.apiserver import audit, warn
from kgents.embedded.apiserver.admission import Review
from kgents.embedded.apiserver.errors import StatusError, forbidden
from kgents.embedded.apiserver.policies import params
from kgents.embedded.apiserver.policies.compiled import Binding, Policy
from kgents.embedded.apiserver.policies.evaluate import Found, Note, Shown, Violation, evaluate
from kgents.embedded.apiserver.policies.facts import Facts

Object = dict[str, Any]
CODES = {"Unauthorized": 401, "Forbidden": 403, "RequestEntityTooLarge": 413}
INLINE = 64
"""Evaluations up to which going to a thread costs more than it saves; large bodies count for more."""
PIECE = 16 * 1024
MAX_FAILURES = 50
FAILURES = "validation.policy.admission.k8s.io/validation_failure"


@dataclass(frozen=True, slots=True)
class Case:
    """One evaluation: a policy on behalf of a binding, with its values."""

    policy: Policy
    binding: Binding
    values: Object


@dataclass(frozen=True, slots=True)
class Verdict:
    """Something found, and where it comes from."""

    policy: Policy
    binding: Binding
    found: Found


async def judge(review: Review, policies: tuple[Policy, ...]) -> None:
    """Asks every policy in force. Raises 403, 422 or whatever reason a violated rule gives."""
    cases, verdicts = _cases(review, policies)
    if cases:
        verdicts += await _evaluated(review, cases)
    if not verdicts:
        return
    _note(review, verdicts)
    denied = [verdict for verdict in verdicts if _counts(review, verdict)]
    if denied:
        raise _refusal(review, denied[0])


def _cases(review: Review, policies: tuple[Policy, ...]) -> tuple[list[Case], list[Verdict]]:
    cases: list[Case] = []
    verdicts: list[Verdict] = []
    facts = Facts(review)
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
                    why = Violation(f"failed to configure binding: {error.what}", final=True)
                    verdicts.append(Verdict(policy, binding, why))
                continue
            if facts.rule_out(policy, resource):
                continue
            plain = facts.values(resource)
            cases += [Case(policy, binding, {**plain, "params": one} if policy.param_kind else plain) for one in found]
    return cases, verdicts


async def _evaluated(review: Review, cases: list[Case]) -> list[Verdict]:
    work = sum(len(case.policy.validations) + len(case.policy.annotations) for case in cases) * (
        1 + len(review.call.body) // PIECE
    )
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
            for found in evaluate(case.policy, shown[key]):
                yield Verdict(case.policy, case.binding, found)


def _where(verdict: Verdict) -> str:
    return f"ValidatingAdmissionPolicy '{verdict.policy.name}' with binding '{verdict.binding.name}'"


def _counts(review: Review, verdict: Verdict) -> bool:
    """Whether something found refuses the write; it may be told as a warning instead or as well."""
    found = verdict.found
    if not isinstance(found, Violation):
        return False
    if found.final:
        return True
    if "Warn" in verdict.binding.actions:
        warn.add(review.call.warnings, f"Validation failed for {_where(verdict)}: {found.message}")
    return "Deny" in verdict.binding.actions


def _note(review: Review, verdicts: list[Verdict]) -> None:
    """Writes down the annotations of policies, and the violations that bindings only want to be written down."""
    values: dict[str, list[str]] = {}
    failures: list[Object] = []
    for verdict in verdicts:
        found = verdict.found
        if isinstance(found, Note):
            known = values.setdefault(f"{verdict.policy.name}/{found.key}", [])
            known += [] if found.value in known else [found.value]
        elif "Audit" in verdict.binding.actions and not found.final and len(failures) < MAX_FAILURES:
            failures.append(_failure(verdict, found))
    annotations = {key: ", ".join(known) for key, known in values.items()}
    if failures:
        annotations[FAILURES] = orjson.dumps(failures).decode()
    audit.note(review, annotations)


def _failure(verdict: Verdict, found: Violation) -> Object:
    return {
        "message": found.message,
        "policy": verdict.policy.name,
        "binding": verdict.binding.name,
        "expressionIndex": found.index,
        "validationActions": list(verdict.binding.actions),
    }


def _refusal(review: Review, verdict: Verdict) -> StatusError:
    found = verdict.found
    assert isinstance(found, Violation)
    message = f"{_where(verdict)} denied request: {found.message}"
    resource = review.call.resource
    error = forbidden(resource.group, resource.plural, review.name, message, [{"message": message}])
    error.reason = found.reason or "Invalid"
    error.code = CODES.get(error.reason, 422)
    return error
