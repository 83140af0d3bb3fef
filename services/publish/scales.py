"""The colours of maps: fixed, named ranges, so that pictures of two months or two releases can be compared.

Colours are safe for colour-blind eyes: signs differ in orange and blue, which everybody tells apart, and amounts
by lightness, which falls without a turn. Anchors lie evenly in the range; between them colours are linear in sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 255  # of a picture with a palette; the index 0 is left for what has no value

# Dry is orange, wet is blue, nothing is nearly white; both sides are equally dark at equal distance.
_DRY_TO_WET = (
    "#5a1d04", "#96400b", "#c96f24", "#e8a765", "#f7d9b5", "#f7f5f2",
    "#c0ddf0", "#7cb6de", "#3f89c0", "#1c5c97", "#0b2f5e",
)  # fmt: skip
_PURPLE = ("#f6f3fa", "#d8cdea", "#b49dd4", "#8d6bb8", "#673d96", "#40186b")
_GREEN = ("#f2f7ee", "#cde3cb", "#96c7a8", "#54a489", "#1f7a6c", "#0a4746")
_ROSE = ("#fbf1f3", "#efcbd5", "#dc97ab", "#bf5f80", "#923258", "#560f30")


@dataclass(frozen=True)
class Scale:
    """Colours over a range: its name, ends, step of the numbers at it and unit; anchors from low to high."""

    name: str
    low: float
    high: float
    step: float
    unit: str
    colours: tuple[str, ...]

    @property
    def diverging(self) -> bool:
        """Whether both signs have their colours; values then leave the range on both sides."""
        return self.low < 0.0

    @property
    def table(self) -> NDArray[np.uint8]:
        """Red, green and blue [LEVELS, 3] from low to high."""
        anchors = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in self.colours], float)
        places = np.linspace(0.0, 1.0, LEVELS)
        marks = np.linspace(0.0, 1.0, len(anchors))
        return np.stack([np.interp(places, marks, anchors[:, at]) for at in range(3)], axis=1).round().astype(np.uint8)

    def indices(self, values: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Places of values in the palette, 1 to LEVELS from low to high; 0 where there is no value."""
        share = np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)
        found = 1.0 + np.nan_to_num(share) * (LEVELS - 1)
        return np.where(np.isnan(values), 0.0, np.rint(found)).astype(np.uint8)


# Most of the seasonal swing of the great basins, of the standard deviations, of the trends outside ice.
STORAGE = Scale("storage", -300.0, 300.0, 100.0, "mm", _DRY_TO_WET)
SPREAD = Scale("spread", 0.0, 40.0, 10.0, "mm", _PURPLE)
TREND = Scale("trend", -30.0, 30.0, 10.0, "mm/yr", _DRY_TO_WET)
SEASON = Scale("season", 0.0, 300.0, 50.0, "mm", _GREEN)
# Two releases differ by a hundredth of a millimetre or by many: a range for each order of magnitude.
DIFFERENCES = tuple(
    Scale(f"difference to {high:g}", 0.0, high, high / 5, "mm", _ROSE) for high in (0.1, 1.0, 10.0, 100.0)
)
