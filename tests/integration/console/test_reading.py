"""What the console tells everybody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.console_home import BROKEN, EARLY, ODD, RELEASED

Get = Callable[..., Any]


def test_status_tells_where_the_newest_month_of_each_product_is(get: Get) -> None:
    products = {each["name"]: each for each in get("/api/v1/status")["products"]}
    assert products["twsa"]["newest_upstream"] == EARLY
    assert (products["twsa"]["latest"], products["twsa"]["newest_released"]) == ("twsa-v1.0-003", RELEASED)


def test_months_tell_their_state_and_why(get: Get) -> None:
    months = {each["month"]: each for each in get("/api/v1/months", product="twsa")["months"]}
    assert {month: months[month]["state"] for month in (RELEASED, ODD, BROKEN, EARLY, "2002-04")} == {
        RELEASED: "released", ODD: "held", BROKEN: "parked", EARLY: "waiting", "2002-04": "missing"
    }  # fmt: skip
