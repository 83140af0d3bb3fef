"""Leases, and results that are entered although the catalogue was away for a while."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from shared.errors import StoreUnavailable
from shared.storage.keeping import insisted


class Away:
    """What cannot be reached so many times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise StoreUnavailable("the catalogue does not answer", advice="Wait.")
        return "entered"


def test_what_came_of_work_is_entered_when_the_catalogue_is_back() -> None:
    assert insisted(Away(2), timedelta(seconds=30)) == "entered"


def test_after_a_lease_it_is_given_up_for_the_work_is_another_s_then() -> None:
    began = time.monotonic()
    with pytest.raises(StoreUnavailable):
        insisted(Away(1000), timedelta(seconds=0.2))
    assert time.monotonic() - began < 5.0
