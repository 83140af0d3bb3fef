"""Where water comes and goes: positions, sizes and swings of basins and ice, as they are roughly known.

Approximate numbers of well-known geography, made up for the simulation: they look like the Earth, they do
not measure it.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.simulation.patches import Patch

_KM = 1e3
_CM = 1e-2
_GT = 1e12  # kg


@dataclass(frozen=True)
class Basin:
    """One body of water and how it swings.

    patches: its outline; annual, semi: amplitudes [m of water]; peak, semi_peak: time of the maximum within
    the year [yr]; trend: [m/yr]; mass_trend: [kg/yr], in its place if it is not zero; wander: standard
    deviation of what is between the years [m].
    """

    name: str
    patches: tuple[Patch, ...]
    annual: float
    peak: float
    semi: float = 0.0
    semi_peak: float = 0.0
    trend: float = 0.0
    mass_trend: float = 0.0
    wander: float = 0.0


Row = tuple[float, float, float, float, float]


def _river(
    name: str, *rows: Row, annual: float, peak: float, semi: float = 0.0, semi_peak: float = 0.0,
    trend: float = 0.0, wander: float = 1.0,
) -> Basin:  # fmt: skip
    """A basin from rows (latitude, longitude, half axes [km], azimuth), swings in cm, the peak as a month."""
    patches = tuple(Patch(lat, lon, a * _KM, b * _KM, azimuth) for lat, lon, a, b, azimuth in rows)
    return Basin(
        name, patches, annual * _CM, (peak - 0.5) / 12.0, semi * _CM, (semi_peak - 0.5) / 12.0,
        trend * _CM, 0.0, wander * _CM,
    )  # fmt: skip


def _ice(name: str, *rows: Row, mass: float, annual: float = 1.5, peak: float = 5.0, wander: float = 1.0) -> Basin:
    """An ice sheet's region that changes by a mass [Gt/yr]."""
    patches = tuple(Patch(lat, lon, a * _KM, b * _KM, azimuth) for lat, lon, a, b, azimuth in rows)
    return Basin(name, patches, annual * _CM, (peak - 0.5) / 12.0, mass_trend=mass * _GT, wander=wander * _CM)


# The month of the peak counts from 1.0 (begin of January) so that 4.5 is the middle of April.
BASINS = (
    _river("Amazon", (-4, -62, 1200, 700, 90), annual=20, peak=4.8, semi=2, semi_peak=4, trend=0.3, wander=4),
    _river("Orinoco", (6, -67, 400, 350, 90), annual=17, peak=8.2, semi=2, semi_peak=2, wander=3),
    _river("Tocantins", (-11, -49, 700, 300, 0), annual=13, peak=3.8, semi=2, semi_peak=4, wander=4),
    _river("Sao Francisco", (-13, -43, 500, 200, 20), annual=4, peak=3.6, trend=-0.6, wander=3),
    _river("Parana", (-22, -54, 700, 500, 0), annual=3, peak=4.0, trend=-0.3, wander=3),
    _river("Pampa", (-35, -62, 500, 400, 0), annual=3, peak=9.0, trend=-0.4, wander=4),
    _river("North Congo", (3, 21, 700, 350, 90), annual=5, peak=11.0, semi=2, semi_peak=5, wander=2),
    _river("South Congo", (-7, 22, 600, 400, 90), annual=5, peak=3.6, semi=2, semi_peak=4, wander=2),
    _river("Zambezi", (-15, 27, 800, 400, 90), annual=10, peak=3.6, semi=2, semi_peak=3, trend=0.2, wander=5),
    _river("Lake Victoria", (-2, 33, 350, 300, 0), annual=3, peak=5.5, semi=2, semi_peak=5, trend=0.8, wander=4),
    _river("Blue Nile and Sudd", (9, 33, 500, 400, 0), annual=7, peak=9.7, semi=1, semi_peak=3, wander=2),
    _river("Chad", (11, 18, 500, 350, 90), annual=6, peak=9.6, trend=0.2, wander=1.5),
    _river("Niger", (11, 1, 1100, 400, 100), annual=6, peak=9.6, semi=1, semi_peak=3, trend=0.3, wander=1.5),
    _river("Ganges", (25, 81, 700, 280, 105), annual=10, peak=9.4, semi=4, semi_peak=2, trend=-0.8, wander=3),
    _river("Northern India", (29.5, 76, 350, 250, 0), annual=5, peak=9.0, semi=2, semi_peak=2, trend=-2.0, wander=2),
    _river("Brahmaputra", (27, 92, 500, 220, 90), annual=11, peak=8.8, semi=2, semi_peak=2, trend=-0.9, wander=2),
    _river("Indus", (32, 72, 700, 300, 30), annual=3, peak=5.0, semi=1, semi_peak=3, trend=-0.5, wander=2),
    _river("Deccan", (18, 78, 500, 350, 0), annual=8, peak=9.6, semi=3, semi_peak=3, wander=4),
    _river("Irrawaddy", (21, 96, 600, 220, 0), annual=16, peak=9.3, semi=3, semi_peak=2, wander=3),
    _river("Mekong", (15, 104, 650, 300, 160), annual=11, peak=9.8, semi=2, semi_peak=3, wander=3),
    _river("Yangtze", (29, 109, 900, 350, 90), annual=4, peak=7.8, semi=1, semi_peak=1, trend=0.4, wander=2),
    _river("Pearl", (23.5, 110, 450, 250, 90), annual=7, peak=7.2, wander=3),
    _river("North China Plain", (37.5, 115, 350, 250, 0), annual=2, peak=9.5, trend=-1.8, wander=1),
    _river("Amur", (50, 128, 800, 400, 90), annual=2.5, peak=8.0, trend=0.3, wander=2),
    _river("Lena", (63, 122, 900, 550, 0), annual=2.5, peak=4.5, semi=1, semi_peak=4, wander=1.5),
    _river("Yenisei", (60, 95, 900, 500, 0), annual=3, peak=4.5, semi=1, semi_peak=4, wander=1.5),
    _river("Ob", (58, 73, 900, 600, 0), annual=4.5, peak=4.5, semi=1, semi_peak=4, wander=2),
    _river("Volga", (56, 47, 600, 450, 0), annual=7, peak=4.3, semi=1, semi_peak=4, trend=-0.3, wander=2.5),
    _river("Dnieper and Don", (50, 34, 500, 350, 90), annual=5, peak=4.0, trend=-0.5, wander=2.5),
    _river("Danube", (46.5, 20, 600, 280, 100), annual=5, peak=4.0, wander=2.5),
    _river("Central Europe", (51, 11, 450, 300, 90), annual=3, peak=3.6, trend=-0.3, wander=2),
    _river("Scandinavia", (64, 18, 700, 250, 25), annual=6, peak=4.3, wander=2),
    _river("Caspian Sea", (42, 51, 550, 180, 170), annual=8, peak=7.5, trend=-4.0, wander=3),
    _river("Tigris and Iran", (34, 46, 700, 350, 120), annual=6, peak=4.0, trend=-1.4, wander=2.5),
    _river("Mississippi", (38, -91, 800, 450, 0), annual=5.5, peak=4.3, semi=1, semi_peak=4, wander=2.5),
    _river("Missouri", (43, -102, 600, 400, 90), annual=2, peak=5.0, trend=0.3, wander=2.5),
    _river("High Plains", (35.5, -101.5, 350, 180, 0), annual=2, peak=5.0, trend=-1.3, wander=2),
    _river("Great Lakes", (47, -81, 700, 350, 90), annual=5, peak=4.8, trend=0.7, wander=2),
    _river("Central Valley", (37.5, -120, 350, 150, 150), annual=14, peak=4.0, trend=-1.2, wander=5),
    _river("Columbia", (47, -117, 450, 350, 0), annual=9, peak=4.6, wander=2),
    _river("Mackenzie", (61, -121, 800, 450, 150), annual=3, peak=4.8, wander=1.5),
    _river("Yukon", (64.5, -150, 600, 300, 90), annual=8, peak=4.8, wander=1.5),
    _river("North Australia", (-16, 133, 800, 300, 90), annual=8, peak=3.6, semi=3, semi_peak=3, wander=3),
    _river("Murray-Darling", (-32, 146, 450, 350, 0), annual=2, peak=9.5, trend=0.3, wander=3),
    # Wide and weak: what the land between the great basins does; it adds to theirs.
    _river("Siberia", (60, 90, 2600, 900, 90), annual=2.5, peak=4.5, wander=0.8),
    _river("Canada", (57, -100, 1700, 800, 100), annual=2.5, peak=4.6, wander=0.8),
    _river("United States", (40, -98, 1900, 700, 90), annual=2.5, peak=4.2, wander=1),
    _river("Europe", (51, 20, 1700, 800, 75), annual=2.5, peak=3.9, wander=1),
    _river("Central Asia", (43, 75, 1600, 600, 90), annual=1.5, peak=4.8, wander=0.6),
    _river("South and East Asia", (21, 93, 1700, 700, 100), annual=4.5, peak=9.4, wander=1),
    _river("Sahel", (10, 10, 2600, 450, 90), annual=3.5, peak=9.6, wander=0.6),
    _river("Southern Africa", (-13, 25, 1300, 800, 90), annual=4.5, peak=3.7, wander=1.2),
    _river("Brazil", (-14, -50, 1300, 900, 0), annual=4.5, peak=3.9, wander=1.2),
    _river("Indonesia", (-2, 115, 2000, 600, 90), annual=4, peak=3.5, wander=2),
    _river("Australia", (-22, 134, 1700, 800, 90), annual=2, peak=3.8, wander=2),
    _ice("Alaska glaciers", (60.5, -143, 500, 130, 100), mass=-50, annual=12, peak=5.3),
    _ice("Patagonian ice", (-48.5, -73.5, 350, 120, 0), mass=-25, annual=5, peak=9.5),
    _ice("Canadian Arctic ice", (79, -82, 350, 180, 0), (70, -72, 350, 180, 150), mass=-60, annual=3),
    _ice("Svalbard and Novaya Zemlya", (78.5, 18, 250, 150, 0), (75, 59, 350, 80, 30), mass=-20, annual=3),
    _ice("South-east Greenland", (66.5, -37, 600, 150, 30), mass=-110, annual=4),
    _ice("South-west Greenland", (66, -50, 600, 130, 0), mass=-60, annual=4),
    _ice("North-west Greenland", (75, -57, 600, 160, 145), mass=-95, annual=3),
    _ice("North-east Greenland", (79, -25, 500, 180, 150), mass=-15, annual=2),
    _ice("Amundsen coast", (-75.5, -107, 600, 250, 90), mass=-150, annual=2, peak=10),
    _ice("Antarctic Peninsula", (-70, -65, 600, 150, 10), mass=-25, annual=2, peak=10),
    _ice("Totten and Wilkes Land", (-67.5, 117, 600, 200, 90), mass=-30, annual=2, peak=10, wander=2),
    _ice("Queen Maud Land", (-72, 20, 1000, 300, 90), mass=55, annual=2, peak=10, wander=2),
)  # fmt: skip
