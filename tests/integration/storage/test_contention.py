"""Many threads and processes at one catalogue, on both databases."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from shared.storage.catalogue import Catalogue, Planned

LEASE = timedelta(minutes=5)
PROJECT = Path(__file__).resolve().parents[3]

# Takes all that is due, each key in an order of its own, and prints what it got.
CLAIMER = """
import random, sys, time
from datetime import timedelta
from shared.storage.catalogue import Catalogue
address, owner = sys.argv[1:]
with Catalogue.open(address) as catalogue:
    keys = [unit.key for unit in catalogue.due()]
    random.Random(owner).shuffle(keys)
    print("ready", flush=True)
    sys.stdin.readline()
    for key in keys:
        if catalogue.claim(key, owner, timedelta(minutes=5)):
            print(key, flush=True)
        time.sleep(0.002)  # as if there were something to do: the others get their turn
"""


def start(program: str, *arguments: str) -> subprocess.Popen[str]:
    """A process of its own with the project on its path."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def results(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    """What each process printed after it was let go, all at once."""
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        printed.append(output.split())
    return printed


def months(count: int) -> list[Planned]:
    return [
        Planned(f"key-{number}", "month", "l2b", f"{2002 + number // 12}-{number % 12 + 1:02d}")
        for number in range(count)
    ]


def assert_each_was_begun_once(catalogue: Catalogue, count: int) -> None:
    assert {unit.attempts for unit in catalogue.units("running")} == {1}
    assert Counter(event.details["key"] for event in catalogue.log(kind="unit-begun")) == {
        plan.key: 1 for plan in months(count)
    }


def test_four_processes_claim_each_key_once(catalogue: Catalogue, address: str) -> None:
    catalogue.ensure_units(months(150))
    claimed = results([start(CLAIMER, address, f"process-{number}") for number in range(4)])
    keys = [key for each in claimed for key in each]
    assert sorted(keys) == sorted(plan.key for plan in months(150))
    assert sum(bool(each) for each in claimed) > 1, "one process had all: nothing was tried"
    assert_each_was_begun_once(catalogue, 150)


def test_eight_threads_claim_each_key_once(catalogue: Catalogue) -> None:
    catalogue.ensure_units(months(60))

    def claim_all(owner: str) -> list[str]:
        keys = [plan.key for plan in months(60)]
        random.Random(owner).shuffle(keys)
        return [key for key in keys if catalogue.claim(key, owner, LEASE)]

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim_all, [f"thread-{number}" for number in range(8)]))
    assert sorted(key for keys in claimed for key in keys) == sorted(plan.key for plan in months(60))
    assert_each_was_begun_once(catalogue, 60)


def test_eight_threads_at_one_key_make_one_claim(catalogue: Catalogue) -> None:
    for number in range(10):
        catalogue.ensure_unit(str(number), "series", "twsa")
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda owner: catalogue.claim(str(number), f"{owner}", LEASE), range(8)))  # noqa: B023
        assert sum(unit is not None for unit in got) == 1


def test_eight_threads_at_a_lease_that_ended_make_one_takeover(catalogue: Catalogue) -> None:
    catalogue.ensure_unit("key", "series", "twsa")
    assert catalogue.claim("key", "dead", timedelta(0))
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda owner: catalogue.claim("key", f"{owner}", LEASE), range(8)))
    assert [unit.attempts for unit in got if unit is not None] == [2]


def test_a_lock_has_one_owner_among_eight_threads(catalogue: Catalogue) -> None:
    for name in map(str, range(10)):
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(lambda owner: catalogue.lock(name, f"{owner}", LEASE), range(8)))  # noqa: B023
        assert sum(got) == 1


def test_the_same_work_file_release_and_baseline_entered_by_eight_threads_are_one(catalogue: Catalogue) -> None:
    def enter(_: int) -> tuple[object, ...]:
        unit = catalogue.ensure_unit("key", "series", "twsa")
        granule, _outcome = catalogue.register_granule(role="level-2", name="a.gfc", sha256="a" * 64, size=1)
        release = catalogue.create_release(
            product="twsa", version="v1.0", kind="initial", key="key", first="2002-04", last="2016-12"
        )
        return unit, granule.id, release, catalogue.propose_baseline("twsa", "b" * 64, reason="months")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(map(repr, pool.map(enter, range(8))))) == 1
    assert Counter(event.kind for event in catalogue.log()) == dict.fromkeys(
        ["unit-due", "granule-arrived", "release-prepared", "baseline-proposed"], 1
    )


def test_serial_numbers_are_given_once_among_eight_threads(catalogue: Catalogue) -> None:
    def create(number: int) -> int:
        return catalogue.create_release(
            product="twsa", version="v1.0", kind="extension", key=f"{number}", first="2002-04", last="2016-12"
        ).serial

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(create, range(24))) == list(range(1, 25))


def test_a_reader_of_the_log_misses_nothing_that_eight_threads_write(catalogue: Catalogue) -> None:
    """No event may appear behind one that was read: numbers are given in the order of the commits."""

    def write(owner: int) -> None:
        for number in range(15):
            catalogue.append("system", "note", f"Fact {owner}.{number}.")

    read, last = [], 0
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(write, owner) for owner in range(8)]
        while True:
            finished = all(job.done() for job in jobs)
            new = catalogue.log(after=last)
            read += [event.id for event in new]
            last = read[-1] if read else 0
            if finished and not new:
                break
    assert read == [event.id for event in catalogue.log()]
    assert len(read) == 120


def test_a_killed_process_leaves_its_key_to_the_next(catalogue: Catalogue, address: str) -> None:
    program = """
import sys, time
from datetime import timedelta
from shared.storage.catalogue import Catalogue
catalogue = Catalogue.open(sys.argv[1])
print(catalogue.claim("key", "doomed", timedelta(seconds=1.5)).attempts, flush=True)
time.sleep(60)
"""
    catalogue.ensure_unit("key", "month", "l2b", "2016-12")
    process = start(program, address)
    assert process.stdout is not None and process.stdout.readline() == "1\n"
    process.kill()
    process.communicate()
    assert catalogue.claim("key", "next", LEASE) is None
    time.sleep(1.6)
    taken = catalogue.claim("key", "next", LEASE)
    assert taken is not None and (taken.attempts, taken.error_kind) == (2, "WorkerLost")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_uses_connections_of_its_own(catalogue: Catalogue) -> None:
    """As the workers do: the catalogue is opened, then children are forked and both go on."""
    catalogue.ensure_units(months(20))
    child = os.fork()
    owner = "parent" if child else "child"
    mine = 0
    try:
        mine = sum(catalogue.claim(plan.key, owner, LEASE) is not None for plan in months(20))
    finally:
        if not child:
            os._exit(0 if catalogue.units("due") == [] else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    owners = Counter(unit.owner for unit in catalogue.units("running"))
    assert owners["parent"] == mine and owners.total() == 20
    assert_each_was_begun_once(catalogue, 20)


def test_times_in_the_log_are_in_its_order_even_if_a_writer_had_to_wait(catalogue: Catalogue) -> None:
    catalogue.ensure_units(months(40))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda plan: catalogue.claim(plan.key, "worker", LEASE), months(40)))
    times = [event.time for event in catalogue.log(kind="unit-begun")]
    assert times == sorted(times) and len(times) == 40
