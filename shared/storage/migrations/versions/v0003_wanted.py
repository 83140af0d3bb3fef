"""Which series of a product is wanted; and a series may be released again after another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from shared.storage.schema import Moment

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table of wanted series; let several releases be of one key."""
    op.create_table(
        "wanted_series",
        sa.Column("product", sa.String, primary_key=True),
        sa.Column("key", sa.String, nullable=False),
        sa.Column("since", Moment, nullable=False),
    )
    with op.batch_alter_table("releases") as releases:
        releases.drop_constraint("releases_one_of_each_key", type_="unique")
        releases.create_index("releases_by_key", ["product", "key"])
