"""Megathrust earthquakes: a step and its relaxation, fitted around the epicentre and taken out.

Algorithm document of the C3S product, section 3.2.3; Dahle et al. (2025), doi 10.5194/essd-17-611-2025,
section 2.1.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from shared.constants import DAYS_PER_YEAR
from shared.geodesy.distance import distance_to_point
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.baseline import Baseline, EarthquakeFit, Evaluation
from shared.models.coefficients import Vector
from shared.models.epoch import Span, mjd_of_moment, years
from shared.models.grid import GridSeries

CAP_RADIUS = 1000e3  # m
# The correction fades out over this outer part of the cap [m]. The specification has a sharp edge; across it the
# little that the fit takes of other slow signals showed as a ring in the maps.
TAPER = 200e3
RELAXATION_LASTS = 2.0  # yr; then the post-seismic signal stays as it is

# Relaxation times [yr] among which the best for a whole cap is taken; the specification leaves it open. None is
# longer than the two years that the relaxation may last: from there on it is a straight line, a trend in disguise.
TAU_SEARCH = (0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.75, 1.0, 1.4, 2.0)

# Months needed on either side of an event before a step can be told from a trend
_MONTHS_BESIDE = 12


@dataclass(frozen=True)
class Earthquake:
    """When and where an earthquake began: moment in UTC, epicentre in degrees."""

    name: str
    moment: datetime
    latitude: float
    longitude: float

    def __str__(self) -> str:
        return f"{self.name} {self.moment:%Y-%m-%d}"

    __repr__ = __str__


SUMATRA = Earthquake("Sumatra-Andaman", datetime(2004, 12, 26, 0, 58, 53), 3.295, 95.982)
MAULE = Earthquake("Maule", datetime(2010, 2, 27, 6, 34, 11), -36.122, -72.898)
TOHOKU = Earthquake("Tohoku-oki", datetime(2011, 3, 11, 5, 46, 24), 38.297, 142.373)
KAMCHATKA = Earthquake("Kamchatka", datetime(2025, 7, 29, 23, 24, 52), 52.498, 160.264)


def remove_earthquakes(
    maps: GridSeries,
    *,
    baseline: Baseline,
    frozen: Evaluation | None,
    events: tuple[Earthquake, ...],
    tau: float | None,
) -> GridSeries:
    """Subtract co- and post-seismic signals within 1000 km of each epicentre.

    What is subtracted has no mean over the reference months, as the anomalies have none: they are what they
    would be without the earthquake. On the outer 200 km of a cap the correction fades out.

    Parameters
    ----------
    maps : water storage anomaly [time, lat, lon], m
    baseline : the reference months
    frozen : fits to keep, or None to fit all months of the run
    events : the earthquakes; one with less than a year of months before or after it is left in, and said so
    tau : relaxation time [yr], or None to search the one that fits a cap best
    """
    twsa = np.array(maps.twsa)
    flat = twsa.reshape(len(maps.months), -1)
    known = {fit.name: fit for fit in frozen.earthquakes} if frozen else {}
    fits, said = [], {}
    for event in events:
        fit = known.get(event.name) if frozen else _fit(event, maps, flat, tau)
        if fit is None:
            said[event.name] = "not fitted: less than a year of months before or after it"
            continue
        cells = fit.cells.astype(int)
        terms = seismic_terms(event, maps.spans, fit.tau)
        terms -= seismic_terms(event, baseline.spans, fit.tau).mean(axis=0)
        flat[:, cells] -= (terms @ np.stack([fit.step, fit.decay])).astype(flat.dtype)
        fits.append(fit)
        said[event.name] = f"relaxation time {fit.tau:g} yr on {cells.size} cells"
    parameters = dict(maps.parameters) | {f"earthquake_{_key(name)}": text for name, text in said.items()}
    evaluation = replace(maps.evaluation, earthquakes=tuple(fits))
    return replace(maps, twsa=twsa, parameters=parameters, evaluation=evaluation)


def _key(name: str) -> str:
    return name.lower().replace("-", "_")


def seismic_terms(event: Earthquake, spans: Sequence[Span], tau: float) -> Vector:
    """Step and relaxation [time, 2] of an event, averaged over each span.

    The event's own month counts by the fraction of its days after the event. The relaxation is
    1 - exp(-t / tau) with t in years since the event, constant from two years on.
    """
    edges = np.array([(span.begin, span.end) for span in spans])
    elapsed = np.maximum(edges - mjd_of_moment(event.moment), 0.0) / DAYS_PER_YEAR
    within = np.minimum(elapsed, RELAXATION_LASTS)
    # the integrals of step and relaxation from the event to either end of the span
    relaxed = within + tau * np.expm1(-within / tau) - (elapsed - within) * np.expm1(-RELAXATION_LASTS / tau)
    duration = np.diff(edges, axis=1)[:, 0] / DAYS_PER_YEAR
    return np.stack([np.diff(integral, axis=1)[:, 0] / duration for integral in (elapsed, relaxed)], axis=1)


def _fit(event: Earthquake, maps: GridSeries, flat: np.ndarray, tau: float | None) -> EarthquakeFit | None:
    """Amplitudes on the cells of the cap, jointly with bias, trend, annual and semi-annual signals."""
    mid = maps.mid
    origin = mjd_of_moment(event.moment)
    if min((mid < origin).sum(), (mid >= origin).sum()) < _MONTHS_BESIDE:
        return None
    distance = distance_to_point(event.latitude, event.longitude, maps.grid.latitudes, maps.grid.longitudes)
    cells = np.flatnonzero(distance.ravel() <= CAP_RADIUS)
    observed = flat[:, cells].astype(float)
    weights = np.broadcast_to(maps.grid.areas[:, None], maps.grid.shape).ravel()[cells]
    times = years(mid)
    season = seasonal_design(times, float(times.mean()))
    best: tuple[float, float, Vector] | None = None
    for candidate in (tau,) if tau is not None else TAU_SEARCH:
        projection = Projection.of(np.hstack([season, seismic_terms(event, maps.spans, candidate)]))
        parameters = projection.parameters(observed)
        misfit = float(np.sum((observed - projection.design @ parameters) ** 2 @ weights))
        if best is None or misfit < best[0]:
            best = misfit, candidate, parameters[-2:]
    assert best is not None
    step, decay = best[2] * _taper(distance.ravel()[cells])
    return EarthquakeFit(event.name, best[1], cells.astype(float), step, decay)


def _taper(distance: Vector) -> Vector:
    """One inside the cap, falling as a cosine to zero over its outer part; distance in metres."""
    share = np.clip((distance - (CAP_RADIUS - TAPER)) / TAPER, 0.0, 1.0)
    taper: Vector = 0.5 * (1.0 + np.cos(np.pi * share))
    return taper
