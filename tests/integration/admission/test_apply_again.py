from __future__ import annotations

import time

from tests.integration.admission.place import GROUP, RULE, Place
from tests.support.waiting import eventually

APPLY = "application/apply-patch+yaml"


def test_a_policy_whose_atomic_parts_were_defaulted_is_not_changed_by_applying_it_again(place: Place) -> None:
    name = place.policy({"expression": "true"})
    path = f"{GROUP}/validatingadmissionpolicies/{name}"
    rules = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "1 == 1"}]}
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy"}
    body = {**head, "metadata": {"name": name}, "spec": rules}
    query = {"fieldManager": "again", "force": "true"}

    def is_type_checked() -> bool:
        made = place.request("PATCH", path, body, contentType=APPLY, query=query).body
        return made["status"].get("observedGeneration") == made["metadata"]["generation"]

    eventually(is_type_checked)
    versions = set()

    def in_another_second() -> bool:
        made = place.request("PATCH", path, body, contentType=APPLY, query=query).body
        versions.add(made["metadata"]["resourceVersion"])
        return time.time() > began + 1.5

    began = time.time()
    eventually(in_another_second)
    assert len(versions) == 1
