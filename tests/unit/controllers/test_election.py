from __future__ import annotations

import os

from kgents.kube.election import is_dead, this_process


def test_a_living_process_of_this_machine_holds_on() -> None:
    assert not is_dead(this_process())


def test_a_process_whose_number_was_given_away_is_dead() -> None:
    host, boot, pid, _, random = this_process().rsplit("_", 4)
    assert is_dead(f"{host}_{boot}_{pid}_1_{random}")


def test_nothing_is_known_of_a_process_in_another_space_of_numbers() -> None:
    host, boot, pid, _, random = this_process().rsplit("_", 4)
    assert boot.count("-") == 1
    assert not is_dead(f"{host}_{boot}9_{pid}_1_{random}")


def test_nothing_is_known_of_other_machines_and_other_candidates() -> None:
    mine = this_process()
    assert not is_dead(f"x{mine}")
    assert not is_dead("master-0_5d5e3a3c-8c0e-4b4e")
    assert not is_dead(f"{mine}_{os.getpid()}")
    assert not is_dead("")
