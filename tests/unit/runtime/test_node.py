from __future__ import annotations

from kgents.embedded.runtime.node import PODS, conditions, info, memory, resources


def test_a_machine_says_what_it_has() -> None:
    found = resources()

    assert int(found["cpu"]) >= 1 and found["memory"].endswith("Ki") and found["pods"] == str(PODS)
    assert memory()[0] >= memory()[1] > 0


def test_its_software_has_names_for_all() -> None:
    assert {"kernelVersion", "osImage", "containerRuntimeVersion", "architecture", "bootID"} <= info().keys()
    assert info()["containerRuntimeVersion"].startswith("kgents://")


def test_a_condition_that_stays_keeps_its_time_of_change() -> None:
    first = {one["type"]: one for one in conditions([], 1000.0)}

    later = {one["type"]: one for one in conditions(list(first.values()), 2000.0)}

    assert later["Ready"]["lastTransitionTime"] == "1970-01-01T00:16:40Z"
    assert later["Ready"]["lastHeartbeatTime"] == "1970-01-01T00:33:20Z"
    assert later.keys() == {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}
