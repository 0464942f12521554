"""Policies, bindings and webhook configurations: their defaults, and what makes one unfit to be used."""

from __future__ import annotations

from typing import Any

from kgents.embedded.apiserver import admission_defaults as defaults
from kgents.embedded.apiserver.strategy import Strategy, Write
from kgents.embedded.schema.causes import Cause

Object = dict[str, Any]


class AdmissionStrategy(Strategy):
    """What all of them share: their writers must have seen what they replace."""

    generation = True
    unconditional_update = False

    def validate_update(self, new: Object, old: Object, write: Write) -> list[Cause]:
        return self.validate(new, write)


class PolicyStrategy(AdmissionStrategy):
    """ValidatingAdmissionPolicy. Its expressions are compiled, each twice: not on the event loop."""

    judges_slowly = True

    def default(self, obj: Object) -> None:
        defaults.admission_policy(obj)

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        from kgents.embedded.apiserver.policies.validation import check_policy

        return check_policy(obj)


class BindingStrategy(AdmissionStrategy):
    """ValidatingAdmissionPolicyBinding."""

    def default(self, obj: Object) -> None:
        defaults.admission_binding(obj)

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        from kgents.embedded.apiserver.policies.validation import check_binding

        return check_binding(obj)


class WebhookStrategy(AdmissionStrategy):
    """ValidatingWebhookConfiguration and MutatingWebhookConfiguration, whose match conditions are compiled, too."""

    judges_slowly = True

    def __init__(self, *, mutating: bool) -> None:
        self._mutating = mutating

    def default(self, obj: Object) -> None:
        defaults.webhook_configuration(obj, mutating=self._mutating)

    def validate(self, obj: Object, write: Write) -> list[Cause]:
        from kgents.embedded.apiserver.webhooks.validation import check_configuration

        return check_configuration(obj)
