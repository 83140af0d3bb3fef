"""The products: each is the list of its steps, executed as written.

Read this first. Numbers of science stand here and nowhere else; they are written into every product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.process.level2b.decorrelation import UNFILTERED, VDK_STRENGTHS, decorrelate
from services.process.level2b.geocenter import insert_degree_one
from services.process.level2b.glacial_isostasy import remove_gia
from services.process.level2b.low_degrees import ALWAYS, replace_low_degrees
from services.process.level2b.mean import subtract_mean
from services.process.level2b.tidal_aliases import remove_s2_alias
from services.process.level3.combination import combine_filters
from services.process.level3.earthquakes import KAMCHATKA, MAULE, SUMATRA, TOHOKU, remove_earthquakes
from services.process.level3.error_correlation import fit_error_correlation
from services.process.level3.land_mask import mask_ocean
from services.process.level3.uncertainty import estimate_uncertainty
from services.process.level3.water_height import synthesise_water_height
from services.process.pipeline import Recipe, step
from shared.models.epoch import Month

# C20 in every month; C30 while one accelerometer served both GRACE satellites (algorithm document, 3.1.3)
C20_AND_C30 = (("C20", *ALWAYS), ("C30", "2016-11", "2017-06"))


@dataclass(frozen=True)
class Product:
    """What is made: a recipe for each month and, for maps, one for the series."""

    name: str
    title: str
    version: str
    reference: tuple[Month, Month]  # period of the long-term mean
    monthly: Recipe
    series: Recipe | None

    def with_settings(self, changes: Mapping[str, Mapping[str, Any]]) -> Product:
        """The product with other settings of single steps: {step: {setting: value}}."""
        series = None if self.series is None else self.series.with_settings(changes)
        return replace(self, monthly=self.monthly.with_settings(changes), series=series)


def _level2b(product: str, strengths: tuple[str, ...]) -> Recipe:
    """From a month's field to its corrected anomalies in several filter sets."""
    return Recipe(
        f"Level-2B of {product}",
        (
            step(subtract_mean, needs=("baseline",)),
            step(decorrelate, needs=("baseline", "block_normals", "normals"), strengths=strengths, source="auto"),
            step(replace_low_degrees, needs=("low_degrees", "baseline"), periods=C20_AND_C30),
            step(remove_gia, needs=("gia", "baseline")),
            step(insert_degree_one, needs=("geometry",)),
            step(remove_s2_alias, needs=("baseline",)),
        ),
    )


TWSA = Product(
    name="twsa",
    title="Terrestrial water storage anomaly from GRACE and GRACE-FO",
    version="v1.0",
    reference=(Month(2003, 1), Month(2022, 12)),
    monthly=_level2b("twsa", ("VDK2", "VDK3", "VDK5")),
    series=Recipe(
        "Level-3 of twsa",
        (
            step(
                combine_filters,
                needs=("geometry", "frozen"),
                deterministic="VDK5",
                residual="VDK3",
                fallback="VDK2",
                factor=2.0,
                surface="ellipsoid",
            ),
            step(synthesise_water_height, needs=("geometry",), surface="ellipsoid"),
            step(
                remove_earthquakes, needs=("baseline", "frozen"), events=(SUMATRA, MAULE, TOHOKU, KAMCHATKA), tau=None
            ),
            step(estimate_uncertainty, needs=("geometry", "frozen", "latitude_scale"), terms=3, fit_error=True),
            step(fit_error_correlation, needs=("geometry", "frozen", "error_correlation"), reach=2000e3),
            step(mask_ocean, needs=("geometry",)),
        ),
    ),
)

L2B = Product(
    name="l2b",
    title="Level-2B coefficients from GRACE and GRACE-FO",
    version="0001",
    reference=(Month(2002, 4), Month(2020, 3)),
    monthly=_level2b("l2b", (UNFILTERED, *VDK_STRENGTHS)),
    series=None,
)

PRODUCTS = {product.name: product for product in (TWSA, L2B)}
