"""Several processes: the same results in the same order as one, errors included."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from services.process.crew import crew
from services.process.pipeline import run
from services.process.products import L2B
from shared.errors import AuxiliaryMissing, GranuleRejected, GravstreamError
from shared.models.epoch import Month, months_between
from tests.unit.process.builders import make_auxiliaries, make_month, snapshot

BOTH = pytest.mark.parametrize("workers", [1, 2])


@dataclass(frozen=True)
class Shared:
    """What every process is told."""

    factor: int


def multiply(shared: Shared, item: int) -> int:
    return shared.factor * item


def slow_first(shared: Shared, item: int) -> int:
    time.sleep(0.3 if item == 0 else 0.0)
    return item


def reject_odd(shared: Shared, item: int) -> int:
    if item % 2:
        raise GranuleRejected(f"{item} is odd", advice="Take another", file="a.gfc", line=item)
    if item == 4:
        raise AuxiliaryMissing("no table for 4", advice="Wait")
    return item


def stumble(shared: Shared, item: int) -> int:
    return 1 // item


def process_id(shared: Shared, item: int) -> tuple[int, int]:
    time.sleep(0.05)
    np.ones((4, 4)) @ np.ones((4, 4))
    threads = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return os.getpid(), max(threads, default=1)


def whole_month(shared: dict[str, Any], month: Month) -> Any:
    return run(L2B.monthly, make_month(month), shared)


def results(workers: int, work: Callable[[Any, Any], Any], items: list[Any], shared: Any = Shared(3)) -> list[Any]:
    with crew(workers, shared) as people:
        return list(people.each(work, items))


@BOTH
def test_every_item_is_worked_on_with_what_was_shared(workers: int) -> None:
    assert results(workers, multiply, list(range(20))) == [3 * item for item in range(20)]


@BOTH
def test_results_come_in_the_order_of_the_work_and_not_of_its_end(workers: int) -> None:
    assert results(workers, slow_first, list(range(6))) == list(range(6))


@BOTH
def test_an_expected_error_comes_back_in_place_of_its_result_and_the_others_go_on(workers: int) -> None:
    found = results(workers, reject_odd, list(range(6)))
    assert [type(each) for each in found] == [
        int, GranuleRejected, int, GranuleRejected, AuxiliaryMissing, GranuleRejected,
    ]  # fmt: skip
    error = found[3]
    assert isinstance(error, GravstreamError)
    assert (error.found, error.advice, error.file, error.line) == ("3 is odd", "Take another", "a.gfc", 3)
    assert str(error) == "a.gfc, line 3: 3 is odd. Take another"


@BOTH
def test_a_fault_of_ours_is_not_taken_for_a_bad_file(workers: int) -> None:
    with pytest.raises(ZeroDivisionError):
        results(workers, stumble, [1, 0, 2])


def test_one_process_and_two_give_the_same_bits() -> None:
    months = list(months_between(Month(2003, 3), Month(2003, 8)))
    alone, together = (results(workers, whole_month, months, make_auxiliaries()) for workers in (1, 2))
    assert [month.month for month in together] == months
    assert [snapshot(month) for month in alone] == [snapshot(month) for month in together]


def test_two_workers_are_two_other_processes_with_one_thread_each() -> None:
    found = results(2, process_id, list(range(8)))
    assert os.getpid() not in {process for process, _ in found}
    assert len({process for process, _ in found}) == 2
    assert {threads for _, threads in found} == {1}


def test_one_worker_is_this_process_with_one_thread() -> None:
    assert set(results(1, process_id, [0, 1])) == {(os.getpid(), 1)}


@BOTH
def test_no_work_is_no_result(workers: int) -> None:
    assert results(workers, multiply, []) == []
