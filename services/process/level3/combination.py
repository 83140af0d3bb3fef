"""One field of each month out of three filter strengths.

The weak filter keeps the amplitude of what repeats and can be fitted well, the strong one suppresses the
noise of what is left (algorithm document of the C3S product, section 3.2.2). Fits are made on the
coefficients: every step up to the map is linear and all coefficients share one design matrix.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from services.process.geometry import Geometry
from services.process.level3.water_height import ocean_rms
from shared.errors import RequestRefused
from shared.geodesy.least_squares import Projection, seasonal_design
from shared.models.baseline import Evaluation
from shared.models.coefficients import Vector
from shared.models.epoch import years
from shared.models.series import CombinedSeries, Level2BSeries


def combine_filters(
    series: Level2BSeries,
    *,
    geometry: Geometry,
    frozen: Evaluation | None,
    deterministic: str,
    residual: str,
    fallback: str,
    factor: float,
    surface: str,
) -> CombinedSeries:
    """Deterministic part of a weak filter plus residual of a strong one.

    Parameters
    ----------
    series : Level-2B, for each filter set [time, (nmax + 1)^2]
    frozen : fits and mean noise to keep (interim months), or None to evaluate the whole record anew
    deterministic, residual, fallback : filter sets, such as VDK5, VDK3, VDK2
    factor : a month falls back if its noise exceeds this many times the mean noise of all months
    surface : of the synthesis over the open ocean

    Returns
    -------
    combined : [time, (nmax + 1)^2], with noise [time] in m of water: the area-weighted rms over open ocean
        of the residual

    Raises
    ------
    RequestRefused : if the months are too few to separate trend and seasons
    """
    times = years(series.mid)
    evaluation = frozen or _fit(series, times, (deterministic, residual, fallback))
    design = seasonal_design(times, evaluation.epoch)
    residuals = {name: series.sets[name] - design @ evaluation.deterministic[name] for name in (residual, fallback)}
    synthesis = geometry.synthesis(series.nmax, series.gm, series.radius, surface)
    noise = ocean_rms(residuals[residual], geometry, synthesis)
    if frozen is None:
        weak = series.sets[deterministic] - design @ evaluation.deterministic[deterministic]
        weak_noise = float(np.sqrt(np.mean(ocean_rms(weak, geometry, synthesis) ** 2)))
        evaluation = replace(evaluation, mean_noise=float(noise.mean()), weak_noise=weak_noise)
    mean_noise = evaluation.mean_noise
    noisy = noise > factor * mean_noise
    chosen = np.where(noisy[:, None], residuals[fallback], residuals[residual])
    return CombinedSeries(
        months=series.months,
        spans=series.spans,
        values=design @ evaluation.deterministic[deterministic] + chosen,
        noise=noise,
        threshold=factor * mean_noise,
        strength=np.where(noisy, _strength(fallback), _strength(residual)).astype(np.int8),
        filter_sources=series.filter_sources,
        gm=series.gm,
        radius=series.radius,
        evaluation=evaluation,
    )


def _fit(series: Level2BSeries, times: Vector, names: tuple[str, ...]) -> Evaluation:
    """Fit bias, trend, annual and semi-annual signals to all months of each filter set."""
    epoch = float(times.mean())
    try:
        projection = Projection.of(seasonal_design(times, epoch))
    except ValueError as error:
        raise RequestRefused(
            f"{len(times)} months cannot separate a trend from the seasons ({error})",
            advice="Process at least a year and a half of months, or freeze the fits of a baseline.",
        ) from error
    fits = {name: projection.parameters(series.sets[name]) for name in names}
    return Evaluation(epoch=epoch, deterministic=fits, mean_noise=float("nan"), cofactor=projection.cofactor)


def _strength(name: str) -> int:
    """The number of a filter set: 3 of VDK3."""
    return int(name.removeprefix("VDK"))
