"""Who may act over the network, and which processes live."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.schema import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of heartbeats and tokens."""
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("service", sa.String, nullable=False),
        sa.Column("host", sa.String, nullable=False),
        sa.Column("time", Moment, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment),
    )
