"""The whole description of the API against the API: what it says is what comes, and nothing brings it down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.specs.openapi import checks as described

from tests.console_home import Home
from tests.integration.console.conftest import Console, context_of, copied, served

# That everything which fits the form is accepted cannot be asked: the sea has no series, and names must be known.
CHECKS = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
    described.negative_data_rejection,
]
EXAMPLES = {GenerationMode.POSITIVE: 3, GenerationMode.NEGATIVE: 2}  # of each operation
PATIENCE = 120.0  # s, on a busy machine; some acts take a process of their own
FEW = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)


@pytest.fixture(scope="module")
def console(lived_home: Home, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console on a copy of the home: what is asked for may be done."""
    own = copied(lived_home, tmp_path_factory.mktemp("specification"))
    with served(context_of(own)) as running:
        yield running


@pytest.fixture(scope="module")
def operations(console: Console) -> list[Any]:
    """Every operation that the API describes."""
    schema = schemathesis.openapi.from_url(f"{console.url}/api/v1/openapi.json")
    found = [each.ok() for each in schema.get_all_operations()]
    assert len(found) > 30
    return found


def each_case(operation: Any, judge: Callable[[schemathesis.Case], None]) -> None:
    """Judge cases that fit the description of an operation, and cases that do not."""
    for mode in GenerationMode:
        try:
            strategy = operation.as_strategy(generation_mode=mode)
            settings(FEW, max_examples=EXAMPLES[mode])(given(strategy)(judge))()
        except (Unsatisfiable, SkipTest):  # nothing that can be sent would not fit
            assert mode is GenerationMode.NEGATIVE


def test_every_operation_answers_as_it_is_described(console: Console, operations: list[Any]) -> None:
    secret = console.catalogue.add_token("everything", "scientist")

    def judge(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS, timeout=PATIENCE, headers={"Authorization": f"Bearer {secret}"})

    for operation in operations:
        each_case(operation, judge)


def test_no_act_is_done_without_a_token(console: Console, operations: list[Any]) -> None:
    before = console.catalogue.last_event()

    def judge(case: schemathesis.Case) -> None:
        # 400: what is no JSON is not even read; 405: an empty name makes it another address
        assert case.call(timeout=PATIENCE).status_code in (400, 401, 405)

    for operation in operations:
        if operation.method == "post" and "/area." not in operation.path:  # a question with a polygon in it
            each_case(operation, judge)
    assert console.catalogue.last_event() == before
