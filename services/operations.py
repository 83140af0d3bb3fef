"""The commands with which a person sees and steers the running system; the services do the same by themselves."""

from __future__ import annotations

import typer

from services import (
    operations_data,
    operations_files,
    operations_releases,
    operations_reprocessing,
    operations_state,
    operations_tokens,
    operations_work,
)

app = typer.Typer(no_args_is_help=True)
for part in (
    operations_state,
    operations_data,
    operations_work,
    operations_reprocessing,
    operations_files,
    operations_releases,
):
    app.add_typer(part.app)
app.add_typer(operations_releases.releases, name="releases")
app.add_typer(operations_releases.baselines, name="baselines")
app.add_typer(operations_tokens.tokens, name="tokens")
