"""What a product says about itself beside its numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.models.epoch import Month

# How the series as a whole was evaluated
MODES = ("re-evaluate", "freeze")

CC_BY_4 = "Creative Commons Attribution 4.0 International (CC BY 4.0), https://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True)
class Level3Metadata:
    """Title, versions, reference and authors of a Level-3 product; texts may be empty, then they are left out.

    issued: when the product was made; without a zone it is taken as UTC. mode: `re-evaluate` (the whole record
    anew) or `freeze` (fits and mean noise of the baseline kept). ValueError for any other mode.
    """

    title: str
    product: str  # short name, such as twsa
    product_version: str
    code_version: str
    reference_period: tuple[Month, Month]
    baseline_digest: str
    mode: str
    issued: datetime
    institution: str
    creator_name: str
    creator_url: str = ""
    creator_email: str = ""
    project: str = ""
    naming_authority: str = ""
    acknowledgement: str = ""
    license: str = CC_BY_4
    citations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"{self.mode} is no mode: take {' or '.join(MODES)}")

    @property
    def issued_text(self) -> str:
        """When the product was made, as YYYY-MM-DDThh:mm:ssZ."""
        moment = self.issued.astimezone(UTC) if self.issued.tzinfo else self.issued
        return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
