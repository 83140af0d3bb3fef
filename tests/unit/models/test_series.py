"""The months together: in order of time, each once, and all of one kind."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from shared.models.coefficients import FilteredAnomalies, FilterSource
from shared.models.epoch import Month
from shared.models.provenance import Source
from shared.models.series import Level2BSeries
from tests.builders import make_anomalies


def some_months(*numbers: int) -> list[FilteredAnomalies]:
    """Months of 2008 that all differ."""
    return [
        replace(
            make_anomalies(month=Month(2008, number), seed=number),
            sources=(Source("level-2", f"{number}.gfc", f"{number:064x}"),),
        )
        for number in numbers
    ]


def test_months_come_in_the_order_of_time_however_they_were_given() -> None:
    mixed = some_months(3, 1, 2)
    series = Level2BSeries.of(mixed)
    assert [str(month) for month in series.months] == ["2008-01", "2008-02", "2008-03"]
    for label in ("NFIL", "VDK3"):
        assert np.array_equal(series.sets[label], np.stack([mixed[i].sets[label] for i in (1, 2, 0)]))
    assert np.array_equal(series.mid, [Month(2008, number).calendar.mid for number in (1, 2, 3)])


def test_each_month_keeps_its_own_filter_source() -> None:
    first, second = some_months(1, 2)
    series = Level2BSeries.of([second, replace(first, filter_source=FilterSource.DDK)])
    assert series.filter_sources == (FilterSource.DDK, FilterSource.ERROR_SCALED)


def test_the_sources_of_all_months_are_kept_each_once() -> None:
    shared = Source("gia", "gia.gz", "2" * 64)
    months = [replace(month, sources=(*month.sources, shared)) for month in some_months(1, 2, 3)]
    sources = Level2BSeries.of(months).sources
    assert sources.count(shared) == 1
    assert {source.name for source in sources} == {"1.gfc", "2.gfc", "3.gfc", "gia.gz"}


def test_the_same_month_twice_is_no_series() -> None:
    with pytest.raises(ValueError, match="each only once"):
        Level2BSeries.of(some_months(1, 2, 1))


@pytest.mark.parametrize("edit", [{"gm": 3.9e14}, {"radius": 6378136.46}])
def test_months_of_other_units_are_no_series(edit: dict[str, float]) -> None:
    first, second = some_months(1, 2)
    with pytest.raises(ValueError, match="must agree"):
        Level2BSeries.of([first, replace(second, **edit)])


def test_months_of_another_degree_or_other_filter_sets_are_no_series() -> None:
    first, second = some_months(1, 2)
    with pytest.raises(ValueError, match="must agree"):
        Level2BSeries.of([first, make_anomalies(5, month=Month(2008, 2))])
    with pytest.raises(ValueError, match="must agree"):
        Level2BSeries.of([first, replace(second, sets={"NFIL": second.sets["NFIL"]})])


def test_as_many_fields_as_months_are_needed() -> None:
    series = Level2BSeries.of(some_months(1, 2))
    with pytest.raises(ValueError, match="2 fields for 1 months"):
        replace(series, months=series.months[:1])


def test_the_fields_of_a_series_cannot_be_changed_in_place() -> None:
    series = Level2BSeries.of(some_months(1, 2))
    with pytest.raises(ValueError, match="read-only"):
        series.sets["NFIL"][0, 0] = 1.0
    with pytest.raises(TypeError):
        series.sets["NFIL"] = series.sets["VDK3"]  # type: ignore[index]


def test_months_that_came_from_another_process_make_the_same_series() -> None:
    """Months travel between processes before they are a series."""
    months = pickle.loads(pickle.dumps(some_months(1, 2)))
    assert np.array_equal(Level2BSeries.of(months).sets["VDK3"], Level2BSeries.of(some_months(1, 2)).sets["VDK3"])
