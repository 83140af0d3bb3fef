"""Where the process service works, and what it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from services.process.products import Product
from shared.storage.catalogue import Catalogue
from shared.storage.store import Store


@dataclass(frozen=True)
class Hall:
    """Where the process service works, and the products that it makes.

    baseline_months: months of the reference period that must be there before a baseline is made; lease: extended while
    a worker lives.
    """

    catalogue: Catalogue
    store: Store
    scratch: Path
    cache: Path
    products: Sequence[Product]
    baseline_months: int
    lease: timedelta = timedelta(minutes=2)
