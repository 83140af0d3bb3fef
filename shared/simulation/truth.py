"""What a simulated archive was made from: the answer that the chain must find."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.constants import GM_EARTH, RADIUS_LEVEL2
from shared.geodesy import ordering
from shared.models.epoch import Month, Span
from shared.simulation.solid_earth import Deformation, Rupture

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """All that the months are the sum of, as coefficients.

    water: [time, (nmax + 1)^2] with degree 1, relative to the static field; its synthesis is the true map,
    unfiltered; alias: [2, (nmax + 1)^2] of cosine and sine; gia: [(nmax + 1)^2] per year, zero at 2010.0;
    noise: [time, (nmax + 1)^2] of Level-2, errors of the low degrees included; level, excess: [time] of the
    formal errors and of the noise over them; static: [(nmax + 1)^2].
    """

    seed: int
    months: tuple[Month, ...]
    spans: tuple[Span, ...]
    static: Array
    water: Array
    alias: Array
    gia: Array
    deformations: tuple[Deformation, ...]
    noise: Array
    level: Array
    excess: Array
    gm: float = GM_EARTH
    radius: float = RADIUS_LEVEL2

    @property
    def nmax(self) -> int:
        """Maximum degree."""
        return ordering.maximum_degree(self.static.size)

    def of(self, months: Iterable[Month]) -> Truth:
        """The truth of some of the months, in the order given; KeyError for one that was not simulated."""
        rows = {month: row for row, month in enumerate(self.months)}
        chosen = [rows[month] for month in months]
        per_month = {name: getattr(self, name)[chosen] for name in ("water", "noise", "level", "excess")}
        return replace(
            self,
            months=tuple(self.months[row] for row in chosen),
            spans=tuple(self.spans[row] for row in chosen),
            **per_month,
        )


_ARRAYS = ("static", "water", "alias", "gia", "noise", "level", "excess")


def truth_bytes(truth: Truth) -> bytes:
    """The truth as an npz archive of plain arrays; all else is a line of JSON in it."""
    described = {
        "simulated": "SIMULATED, not observed",
        "seed": truth.seed,
        "gm": truth.gm,
        "radius": truth.radius,
        "months": [str(month) for month in truth.months],
        "ruptures": [{**vars(each.rupture), "moment": each.rupture.moment.isoformat()} for each in truth.deformations],
    }
    arrays = {name: getattr(truth, name) for name in _ARRAYS}
    arrays["spans"] = np.array([(span.begin, span.end) for span in truth.spans])
    for number, deformation in enumerate(truth.deformations):
        arrays[f"step_{number}"], arrays[f"relaxation_{number}"] = deformation.step, deformation.relaxation
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, description=np.array(json.dumps(described)), **arrays)
    return buffer.getvalue()


def read_truth(path: Path) -> Truth:
    """The truth that was saved beside an archive."""
    with np.load(path, allow_pickle=False) as kept:
        described = json.loads(str(kept["description"]))
        deformations = tuple(
            Deformation(_rupture(values), kept[f"step_{number}"], kept[f"relaxation_{number}"])
            for number, values in enumerate(described["ruptures"])
        )
        return Truth(
            seed=described["seed"],
            months=tuple(Month.parse(text) for text in described["months"]),
            spans=tuple(Span(float(begin), float(end)) for begin, end in kept["spans"]),
            deformations=deformations,
            gm=described["gm"],
            radius=described["radius"],
            **{name: kept[name] for name in _ARRAYS},
        )


def _rupture(values: dict[str, str | float]) -> Rupture:
    return Rupture(**{**values, "moment": datetime.fromisoformat(str(values["moment"]))})  # type: ignore[arg-type]
