"""Numbers of nature and of convention, each beside its source. SI units."""

from __future__ import annotations

# Newtonian constant of gravitation [m^3 kg^-1 s^-2], IERS Conventions (2010) Table 1.1
GRAVITATIONAL_CONSTANT = 6.67428e-11

# Geocentric gravitational constant [m^3 s^-2] and reference radius [m] of the Level-2 fields of
# COST-G, ITSG, CSR and JPL (their gfc headers); the product is expressed in them.
GM_EARTH = 3.986004415e14
RADIUS_LEVEL2 = 6378136.3

# Reference ellipsoid, IERS Conventions (2010) Table 1.1: semi-major axis [m], inverse flattening [1]
ELLIPSOID_SEMI_MAJOR_AXIS = 6378136.6
ELLIPSOID_INVERSE_FLATTENING = 298.25642

# Mean radius [m] for distances on the sphere (IUGG, R1 of GRS80)
RADIUS_MEAN = 6371008.8

# Density of water [kg m^-3] that equivalent water heights refer to (ATBD, equation 1)
DENSITY_WATER = 1000.0

# Load Love number k of degree 1 in the frame of the centre of figure (Blewitt 2003, doi 10.1029/2002JB002082;
# value for PREM). Degrees >= 2 do not depend on the frame.
K1_CENTRE_OF_FIGURE = 0.02601

# Mean tropical year [d]: the unit of time of every fit (IERS: 365.2421897; the algorithm document: 365.2422)
DAYS_PER_YEAR = 365.2422

# Modified Julian date of J2000.0
MJD_J2000 = 51544.5

# Period [d] of the S2 tidal alias and its phase offset [rad] between GRACE and GRACE-FO
# (Landerer et al. 2020, doi 10.1029/2020GL088306)
S2_ALIAS_PERIOD = 161.0
S2_ALIAS_OFFSET_DEGREES = 100.0

# First day of GRACE-FO science data, 2018-05-22 launch; every month from here on is GRACE-FO [MJD]
MJD_GRACE_FO = 58260.0
