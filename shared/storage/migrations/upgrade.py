"""Bring a catalogue to the present form; any number of processes may try at once."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from shared.errors import RequestRefused
from shared.storage.connection import reading, writing
from shared.storage.schema import REVISION


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, in one transaction."""
    with reading(engine) as connection:
        if _revision(connection) == REVISION:
            return
    # Only who migrates needs it, and it takes a while to load.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    with writing(engine) as connection:
        revision = _revision(connection)
        if revision == REVISION:
            return
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if revision is not None and revision not in known:
            raise RequestRefused(
                f"the catalogue has form {revision}, made by a newer version of gravstream",
                advice="Install that version or a newer one.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, REVISION)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
