"""The commands that tell of the record: months, series, differences; on a home in which all has happened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from services.cli import app
from services.operations_data import _shown
from tests.console_home import BROKEN, EARLY, FIRST, ODD, REFUSED, REISSUED, RELEASED, Home

LATEST, FORMER, RETRACTED = "twsa-v1.0-003", "twsa-v1.0-001", "twsa-v1.0-002"
POINT = ("--lat", "-3.1", "--lon", "-60.1")


@pytest.fixture
def said(lived_home: Home) -> Any:
    """What a command says, which must leave with a code and keep to 80 columns."""

    def run(*words: str, code: int = 0, **settings: str) -> str:
        environment = lived_home.environment | settings
        answer = CliRunner().invoke(app, list(words), env=environment, catch_exceptions=False)
        assert answer.exit_code == code, answer.output
        if code == 0 and "--json" not in words:
            assert max(map(len, answer.stdout.splitlines())) <= 80
        return answer.output

    return run


@pytest.fixture
def maps(lived_home: Home) -> xr.Dataset:
    """The file of the latest release, as a user opens it."""
    # Loaded whole: the NetCDF library reads texts of a file wrongly while it is open a second time.
    return xr.load_dataset(next((lived_home.home / "releases" / "twsa" / LATEST).glob("*.nc")))


@pytest.fixture
def box(tmp_path: Path) -> Path:
    """A file with one basin: a box of ten degrees in Amazonia, 400 cells."""
    corners = [[-65, -10], [-55, -10], [-55, 0], [-65, 0], [-65, -10]]
    shape = {"type": "Polygon", "coordinates": [corners]}
    feature = {"type": "Feature", "properties": {"name": "Box"}, "geometry": shape}
    file = tmp_path / "basins.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return file


class TestMonths:
    def test_show_one_letter_for_each(self, said: Any) -> None:
        rows = {line.split()[0]: line.split()[1:] for line in said("months").splitlines() if line[1:5].isdigit()}
        assert rows["2002"] == ["."] * 9  # since April
        letters = dict(zip((f"2005-{month:02d}" for month in range(1, 8)), rows["2005"], strict=True))
        assert [letters[month] for month in (RELEASED, REFUSED, BROKEN, EARLY)] == ["R", "q", "!", "w"]
        assert rows["2004"][int(ODD[5:]) - 1] == "h"

    def test_tell_why_those_differ_that_differ(self, said: Any) -> None:
        assert "The month waits for a table that covers it" in " ".join(said("months").split())

    def test_are_given_to_programs(self, said: Any) -> None:
        found = json.loads(said("months", "--json"))
        months = {each["month"]: each for each in found["months"]}
        assert months[str(FIRST)]["state"] == "released"
        assert months[str(FIRST)]["release"] == LATEST

    def test_of_a_product_that_is_not_made_are_refused(self, said: Any) -> None:
        assert "Take one of twsa, l2b" in said("months", "--product", "soil", code=1)


class TestSeries:
    def test_of_a_point_is_what_the_file_holds(self, said: Any, maps: xr.Dataset) -> None:
        found = json.loads(said("series", *POINT, "--json"))
        cell = maps.sel(lat=-3.25, lon=-60.25)
        by_month = {each["month"]: each for each in found["months"]}
        for nominal, twsa, sigma in zip(cell.nominal_month, cell.twsa, cell.twsa_uncertainty, strict=True):
            row = by_month[f"{int(nominal) // 100}-{int(nominal) % 100:02d}"]
            # Two decimals are written.
            assert row["twsa_mm"] == pytest.approx(float(twsa), abs=0.006)
            assert row["uncertainty_mm"] == pytest.approx(float(sigma), abs=0.006)

    def test_says_where_there_is_a_gap(self, said: Any, maps: xr.Dataset) -> None:
        found = json.loads(said("series", *POINT, "--json"))["months"]
        gaps = [each["month"] for each in found if each["twsa_mm"] is None]
        assert gaps == [str(maps.attrs["gaps"])]
        assert said("series", *POINT).count("no data") == len(gaps)

    def test_of_a_basin_is_the_mean_of_its_cells(self, said: Any, maps: xr.Dataset, box: Path) -> None:
        found = json.loads(said("series", "--basin", "Box", "--json", GRAVSTREAM_BASINS=str(box)))["months"]
        cells = maps.twsa.sel(lat=slice(-10, 0), lon=slice(-65, -55))
        mean = cells.weighted(np.cos(np.deg2rad(cells.lat))).mean(("lat", "lon"))
        told = [each["twsa_mm"] for each in found if each["twsa_mm"] is not None]
        # Areas on the ellipsoid differ from those on the sphere by parts in a thousand, within some hundred mm.
        np.testing.assert_allclose(told, mean, atol=0.1)

    def test_of_a_mean_is_surer_than_of_a_cell_but_not_by_the_root_of_their_number(self, said: Any, box: Path) -> None:
        area = json.loads(said("series", "--basin", "Box", "--json", GRAVSTREAM_BASINS=str(box)))["months"][0]
        point = json.loads(said("series", *POINT, "--json"))["months"][0]
        assert point["uncertainty_mm"] / np.sqrt(400) < area["uncertainty_mm"] < point["uncertainty_mm"]

    @pytest.mark.parametrize(
        ("words", "advice"),
        [
            (("--lat", "0", "--lon", "-30"), "Take a place on land; the nearest is"),
            (("--lat", "0"), "Give --lat and --lon, or --basin"),
            ((*POINT, "--basin", "Amazonas"), "Give --lat and --lon, or --basin"),
            (("--basin", "Amazonas"), "GRAVSTREAM_BASINS"),
            ((*POINT, "--release", "twsa-v9.0-001"), "See `gravstream releases`"),
            ((*POINT, "--release", RETRACTED), "Take one that is released"),
            ((*POINT, "--release", "l2b-0001-001"), "Take a release of twsa"),
        ],
    )
    def test_that_cannot_be_told_says_what_to_do(self, said: Any, words: tuple[str, ...], advice: str) -> None:
        assert advice in " ".join(said("series", *words, code=1).split())


class TestDiff:
    def test_names_the_month_that_was_gained_and_the_one_that_changed_most(self, said: Any) -> None:
        found = json.loads(said("diff", FORMER, LATEST, "--json"))
        assert found["added"] == [RELEASED]
        most = max(found["changed"], key=lambda each: each["rms_mm"])
        assert most["month"] == REISSUED
        assert REISSUED in said("diff", FORMER, LATEST)

    def test_of_a_release_and_itself_is_nothing(self, said: Any) -> None:
        found = json.loads(said("diff", LATEST, LATEST, "--json"))
        assert (found["added"], found["removed"], found["changed"], found["max_mm"]) == ([], [], [], 0.0)

    def test_of_two_products_is_refused(self, said: Any) -> None:
        assert "Name two of one product" in said("diff", FORMER, "l2b-0001-001", code=1)


class TestTheShell:
    def test_completes_commands(self) -> None:
        environment = os.environ | {
            "_GRAVSTREAM_COMPLETE": "complete_bash", "COMP_WORDS": "gravstream rel", "COMP_CWORD": "1",
        }  # fmt: skip
        command = Path(sys.executable).parent / "gravstream"
        answer = subprocess.run([command], env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert answer.stdout.split() == ["releases"]


def test_a_month_that_fell_back_and_one_without_data_say_so_in_the_table() -> None:
    assert [_shown(row)[-1] for row in (("2015-01", 1.0, 2.0, False), ("2015-02", 1.0, 2.0, True))] == ["", "VDK2"]
    assert _shown(("2015-06", None, None, False)) == ("2015-06", "", "", "no data")
