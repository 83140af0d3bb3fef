from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.formats.icgem import read_gfc
from shared.formats.low_degrees import read_geocenter, read_low_degrees
from shared.formats.months import MonthTable
from shared.formats.shm import read_gia
from shared.formats.sinex import read_normals
from shared.models.coefficients import ErrorKind, TideSystem
from shared.models.epoch import Month
from shared.simulation.archive import GEOCENTER, GIA, LOW_DEGREES, TRUTH, ArchivePaths, write_archive
from shared.simulation.earth import Earth
from shared.simulation.level2 import Simulation, simulate
from shared.simulation.settings import Settings
from shared.simulation.truth import read_truth

NORMALS = Month(2018, 10)
SETTINGS = Settings(Month(2017, 5), Month(2018, 10), seed=2, nmax=8, normals=frozenset({NORMALS}))


@pytest.fixture(scope="module")
def simulation(earth: Earth) -> Simulation:
    return simulate(SETTINGS, earth)


@pytest.fixture(scope="module")
def paths(simulation: Simulation, tmp_path_factory: pytest.TempPathFactory) -> ArchivePaths:
    return write_archive(simulation, tmp_path_factory.mktemp("archive"))


def test_files_are_named_as_those_of_cost_g(paths: ArchivePaths) -> None:
    assert sorted(path.name for path in paths.level2.glob("*.gfc")) == [
        "GSM-2_2017121-2017142_GRAC_COSTG_BF01_0200.gfc",
        "GSM-2_2017143-2017179_GRAC_COSTG_BF01_0200.gfc",
        "GSM-2_2018152-2018181_GRFO_COSTG_BF01_0200.gfc",
        "GSM-2_2018182-2018199_GRFO_COSTG_BF01_0200.gfc",
        "GSM-2_2018295-2018313_GRFO_COSTG_BF01_0200.gfc",
    ]


def test_files_say_what_was_simulated(paths: ArchivePaths, simulation: Simulation) -> None:
    for path, field in zip(sorted(paths.level2.glob("*.gfc")), simulation.fields, strict=True):
        read = read_gfc(path)
        # Eleven decimals of the mantissa
        np.testing.assert_allclose(read.values, field.values, rtol=5.1e-12)
        np.testing.assert_allclose(read.sigmas, field.sigmas, rtol=5.1e-12)
        assert (read.gm, read.radius, read.nmax, read.span) == (field.gm, field.radius, field.nmax, field.span)
        assert (read.tide_system, read.errors) == (TideSystem.TIDE_FREE, ErrorKind.FORMAL)
        assert MonthTable.default().identify(path.name, read.span, read.name) == (field.month, field.span)


def test_every_file_says_that_it_is_simulated(paths: ArchivePaths) -> None:
    files = [*paths.level2.glob("*.gfc"), *paths.auxiliaries.iterdir(), *paths.truth.iterdir()]
    assert len(files) == 5 + 3 + 1
    assert all("SIMULATED".encode(code) in path.read_bytes() for path in files for code in [encoding(path)])


def encoding(path: Path) -> str:
    return "utf-32-le" if path.suffix == ".npz" else "ascii"


def test_auxiliaries_are_read_by_the_readers_of_the_real_ones(paths: ArchivePaths, simulation: Simulation) -> None:
    for read, made in (
        (read_low_degrees(paths.auxiliaries / LOW_DEGREES), simulation.low_degrees),
        (read_geocenter(paths.auxiliaries / GEOCENTER), simulation.geocenter),
    ):
        np.testing.assert_array_equal(read.begin, made.begin)
        for name, column in made.values.items():
            np.testing.assert_allclose(read.values[name], column, rtol=5.1e-12)  # twelve digits
            np.testing.assert_allclose(read.sigmas[name], made.sigmas[name], rtol=1e-3)
    gia = read_gia(paths.auxiliaries / GIA)
    np.testing.assert_allclose(gia.rates, simulation.gia.rates, rtol=5.1e-12)
    assert (gia.gm, gia.radius) == (simulation.gia.gm, simulation.gia.radius)


def test_normals_are_read_as_they_were_simulated(paths: ArchivePaths, simulation: Simulation) -> None:
    read = read_normals(paths.level2 / "GSM-2_2018295-2018313_GRFO_COSTG_BF01_0200.snx")
    made = np.triu(simulation.normals_of(NORMALS).matrix)
    assert read.nmax == SETTINGS.nmax
    # Fifteen digits; small elements are sums of larger ones.
    np.testing.assert_allclose(np.triu(read.matrix), made, rtol=1e-12, atol=1e-14 * made.max())
    assert len(list(paths.level2.glob("*.snx*"))) == 1


def test_the_truth_is_kept_to_the_bit(paths: ArchivePaths, simulation: Simulation) -> None:
    kept, truth = read_truth(paths.truth / TRUTH), simulation.truth
    assert (kept.seed, kept.months, kept.spans, kept.gm, kept.radius) == (
        truth.seed, truth.months, truth.spans, truth.gm, truth.radius,
    )  # fmt: skip
    for name in ("static", "water", "alias", "gia", "noise", "level", "excess"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(truth, name))
    for one, other in zip(kept.deformations, truth.deformations, strict=True):
        assert one.rupture == other.rupture
        np.testing.assert_array_equal(one.step, other.step)
        np.testing.assert_array_equal(one.relaxation, other.relaxation)


def test_an_archive_is_the_same_bytes_again(earth: Earth, paths: ArchivePaths, tmp_path: Path) -> None:
    again = write_archive(simulate(SETTINGS, earth), tmp_path)
    for name in ("level2", "auxiliaries", "truth"):
        first, second = (
            {path.name: path.read_bytes() for path in getattr(each, name).iterdir()} for each in (paths, again)
        )
        assert first == second


def test_an_archive_can_be_written_from_settings_alone(
    earth: Earth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAVSTREAM_CACHE", str(tmp_path / "cache"))
    steps: list[tuple[str, int, int]] = []
    settings = replace(SETTINGS, last=Month(2017, 6), normals=frozenset())
    paths = write_archive(settings, tmp_path / "out", lambda *step: steps.append(step))
    assert steps == [("simulated months", 1, 2), ("simulated months", 2, 2)]
    assert len(list(paths.level2.iterdir())) == 2
