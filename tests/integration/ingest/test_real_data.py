"""The real months and tables, served as ICGEM and ISDC do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import IngestSettings
from shared.simulation.upstream import Served, Upstream
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store
from tests.integration.ingest.conftest import Place

LOW_DEGREES = "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_0001.dat"


@pytest.fixture
def real(real_data: Path, tmp_path: Path) -> Iterator[Place]:
    level2, tables = real_data / "level2" / "itsg-grace-n96", real_data / "gravis"
    series = "03_other/ITSG/ITSG-Grace2018/monthly/96"
    with (
        Upstream(Served(level2, tables, series=series, revealed=213, rows={LOW_DEGREES: 200})) as upstream,
        Catalogue.open(tmp_path / "catalogue.db") as catalogue,
    ):
        settings = IngestSettings(
            icgem_url=upstream.url, isdc_url=upstream.url, hosts=(upstream.host,), pause=0.0, series_path=series,
            staging=tmp_path / "staging",
        )  # fmt: skip
        yield Place(upstream, catalogue, Store.at(tmp_path / "store"), settings, tmp_path)


def test_every_real_month_passes_and_a_new_one_is_found(real: Place) -> None:
    """Months of extremes among them: few days of data (2015-02), near-repeat orbits (2004-09), great earthquakes."""
    report = real.look()
    assert len(report.new) == 213 and report.quarantined == report.held == []
    assert [granule.month for granule in real.months()][-2:] == ["2022-09", "2022-10"]
    real.upstream.reveal()
    assert real.look().new == ["ITSG-Grace_operational_n96_2022-11.gfc.gz"]
    assert len(real.requests("/sp/")) == 2 and len(real.requests(".gfc")) == 1
    real.assert_sound()


def test_real_tables_are_taken_and_grow(real: Place) -> None:
    assert sorted(granule for granule in real.look("isdc").new) == [
        "GRAVIS-2B_COSTG_0200_GEOCENTER_0001.dat",
        "GRAVIS-2B_COSTG_0200_GIA_ICE-6G_D_VM5a_0001.gz",
        LOW_DEGREES,
    ]
    real.upstream.extend(LOW_DEGREES, 52)
    assert real.look("isdc").replaced == [LOW_DEGREES]
    assert real.catalogue.current("low-degrees")[0].size == len(real.upstream.content(LOW_DEGREES))


def test_months_of_a_single_backfill_pass_in_any_order(real: Place) -> None:
    """The neighbours of a month may be years away at first."""
    names = list(real.upstream._months.items())
    real.upstream._months = dict(names[::7] + names[3::7])
    real.upstream._revealed = len(real.upstream._months)
    report = real.look(backfill_from=10**6)
    assert report.quarantined == [] and len(report.new) == len(real.upstream._months)
