"""The archive on disk: Level-2, auxiliaries and truth, as they would come from their centres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shared.formats.files import write_atomically
from shared.formats.icgem_writer import level2_name, write_level2
from shared.formats.low_degree_writer import geocenter_bytes, low_degrees_bytes
from shared.formats.shm import gia_bytes
from shared.formats.sinex_writer import write_normals
from shared.geodesy import ordering
from shared.geodesy.decorrelation import FIRST_DEGREE
from shared.models.epoch import Month
from shared.simulation.level2 import Simulation, simulate
from shared.simulation.settings import Settings
from shared.simulation.truth import truth_bytes

__all__ = ["ArchivePaths", "Settings", "write_archive"]

# Names of GravIS' own auxiliaries, with SIMULATED where they name their model
LOW_DEGREES = "GRAVIS-2B_COSTG_0200_GRACE+SLR_LOW_DEGREES_SIMULATED_0001.dat"
GEOCENTER = "GRAVIS-2B_COSTG_0200_GEOCENTER_SIMULATED_0001.dat"
GIA = "GRAVIS-2B_COSTG_0200_GIA_SIMULATED_0001"
TRUTH = "truth.npz"

_REMARKS = (
    "SIMULATED by gravstream: nothing in this table was observed.",
    "It belongs to the simulated months beside it.",
)


@dataclass(frozen=True)
class ArchivePaths:
    """Where the parts of an archive lie."""

    level2: Path
    auxiliaries: Path
    truth: Path

    @classmethod
    def under(cls, out: Path) -> ArchivePaths:
        """The folders of an archive under `out`."""
        return cls(out / "level2", out / "auxiliaries", out / "truth")


def write_archive(
    what: Simulation | Settings, out: Path, progress: Callable[[str, int, int], None] | None = None
) -> ArchivePaths:
    """Write level2/*.gfc, auxiliaries/* and truth/*; every file appears whole or not at all.

    Parameters
    ----------
    what : a simulation, or the settings of one
    out : folder of the archive, made if it is not there
    progress : called with what is done, how many of it are, and how many there will be
    """
    simulation = simulate(what) if isinstance(what, Settings) else what
    paths = ArchivePaths.under(out)
    _write_auxiliaries(simulation, paths.auxiliaries)
    write_atomically(paths.truth / TRUTH, truth_bytes(simulation.truth))
    months = simulation.truth.months
    for written, month in enumerate(months, start=1):
        _write_month(simulation, month, paths.level2)
        if progress is not None:
            progress("simulated months", written, len(months))
    return paths


def _write_auxiliaries(simulation: Simulation, folder: Path) -> None:
    write_atomically(folder / LOW_DEGREES, low_degrees_bytes(simulation.low_degrees, remarks=_REMARKS))
    write_atomically(folder / GEOCENTER, geocenter_bytes(simulation.geocenter, remarks=_REMARKS))
    title = "SIMULATED rates of glacial isostatic adjustment, relative to GM and radius above"
    write_atomically(folder / GIA, gia_bytes(simulation.gia, title=title))


def _write_month(simulation: Simulation, month: Month, folder: Path) -> None:
    """The field of a month, and its normal matrix beside it if it has one."""
    field = simulation.field_of(month)
    assert field.span is not None and field.sigmas is not None
    path = folder / level2_name(field.span)
    write_atomically(path, write_level2(field, institute="gravstream (SIMULATED)"))
    if month in simulation.settings.normals:
        kept = ordering.index(field.nmax).degree >= FIRST_DEGREE
        normals = simulation.normals_of(month)
        write_normals(path.with_suffix(".snx"), normals, field.values[kept], sigmas=field.sigmas[kept], agency="SIM")
