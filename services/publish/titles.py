"""What each product is called by its readers."""

from __future__ import annotations

TITLES = {
    "twsa": "Terrestrial water storage anomaly from GRACE and GRACE-FO",
    "l2b": "Level-2B coefficients from GRACE and GRACE-FO",
}
