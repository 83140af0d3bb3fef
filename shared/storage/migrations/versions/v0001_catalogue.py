"""The first form of the catalogue."""

from alembic import op

from shared.storage.schema import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, and the triggers that keep the log as it is."""
    metadata.create_all(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_REFUSE)
        op.execute(_TRIGGER)
    else:
        for verb in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(verb=verb, name=verb.lower()))


_REFUSE = """
CREATE FUNCTION gravstream_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'events are never changed'; END $$
"""
_TRIGGER = """
CREATE TRIGGER events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION gravstream_refuse()
"""
_SQLITE = """
CREATE TRIGGER events_are_kept_from_{name} BEFORE {verb} ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END
"""
