"""Commands about those who may act over the network: each has a token, shown once when it is made."""

from __future__ import annotations

from typing import Annotated

import typer

from services.operations_speech import Json, Who, at, catalogue, complaints, say, say_json, say_table
from shared.storage.records import Role

tokens = typer.Typer(help="List the tokens; add or revoke one.", invoke_without_command=True)

Name = Annotated[str, typer.Argument(help="Of a person or program, such as ada; it stands in the log.")]


@tokens.callback()
def list_tokens(context: typer.Context, as_json: Json = False) -> None:
    """List the tokens; add or revoke one. Leaves with 0."""
    if context.invoked_subcommand:
        return
    with catalogue() as known:
        found = known.tokens()
    if as_json:
        say_json(found)
    elif not found:
        say("Nobody may act over the network yet. Add a token with `gravstream tokens add NAME --role operator`.")
    else:
        rows = ((each.name, each.role, at(each.created_at), at(each.revoked_at)) for each in found)
        say_table(("name", "role", "made (UTC)", "revoked (UTC)"), rows)


@tokens.command()
def add(
    name: Name,
    who: Who,
    role: Annotated[Role, typer.Option(help="An operator keeps it going, a scientist also decides on releases.")],
) -> None:
    """Make a token and show its secret, this once; leaves with 1 if the name has one already."""
    with catalogue() as known:
        secret = known.add_token(name, role, who=who)
    typer.echo(secret)
    complaints.print(f"This is the token of {name}. It is not kept and cannot be shown again.", markup=False)


@tokens.command()
def revoke(name: Name, who: Who) -> None:
    """End a token at once; leaves with 1 if there is none of this name."""
    with catalogue() as known:
        known.revoke_token(name, who=who)
    say(f"The token of {name} is revoked.")
