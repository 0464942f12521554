"""A machine with the example hive, one for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.machine import Machine


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Nothing on it but kgents."""
    machine = Machine(tmp_path_factory.mktemp("machine"))
    yield machine
    machine.clear()


@pytest.fixture(scope="module")
def demo(machine: Machine) -> Machine:
    """The machine after `kgents demo`."""
    done = machine.run("demo", "--timeout", "90")
    if done.returncode:
        pytest.fail(f"{done.stderr}\n{machine('infra', 'logs', '--tail', '15')}", pytrace=False)
    return machine
