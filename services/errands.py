"""What the console has done by other services, each in a process of its own.

The libraries of science take a hundred megabytes, which the console need not hold for the few times that a person
asks. So an errand runs in a child that ends with it: `python -m services.errands`, words of JSON in and out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from services.publish.console.context import Again, Proposal
from shared import errors, settings
from shared.errors import GravstreamError, Unreachable
from shared.storage.catalogue import Catalogue

_ONE_AT_A_TIME = threading.Lock()  # a few at once would need more memory than all services
_PATIENCE = 120.0  # s; looking what is due takes one or two


@dataclass(frozen=True)
class Errands:
    """Errands to the system that an environment describes."""

    environment: Mapping[str, str]

    def reprocess(
        self, who: str, reason: str, months: tuple[str, ...], from_step: str | None, dry_run: bool
    ) -> Proposal:
        """Have months computed again, or say what would be; as `gravstream reprocess` does."""
        words = {"who": who, "reason": reason, "months": months, "from_step": from_step, "dry_run": dry_run}
        found = self._sent("reprocess", words)
        return Proposal(tuple(Again(**each) for each in found["units"]), found["reprocessing"])

    def accept_file(self, id: int, who: str, reason: str) -> str:
        """Use a held or refused file; its name. As `gravstream accept` does."""
        return str(self._sent("accept_file", {"id": id, "who": who, "reason": reason})["name"])

    def _sent(self, errand: str, words: Mapping[str, Any]) -> dict[str, Any]:
        """What an errand brings back, or the error that it met."""
        with _ONE_AT_A_TIME:
            try:
                ended = subprocess.run(
                    (sys.executable, "-m", "services.errands"),
                    input=json.dumps({"errand": errand, **words}),
                    capture_output=True,
                    text=True,
                    timeout=_PATIENCE,
                    check=True,
                    env=dict(self.environment),
                )
            except subprocess.TimeoutExpired as error:
                raise Unreachable("it takes too long", advice="See `gravstream log system`, then try again.") from error
        answer: dict[str, Any] = json.loads(ended.stdout)
        if "error" in answer:
            kind: type[GravstreamError] = getattr(errors, answer["kind"])
            raise kind(answer["error"], advice=answer["advice"])
        return answer


def _reprocess(who: str, reason: str, months: list[str], from_step: str | None, dry_run: bool) -> dict[str, Any]:
    from services.process import app as process
    from services.process.reprocessing import Wish, months_of, propose
    from services.process.reprocessing_course import reprocess as begin

    hall = process.hall()
    known = (each.month for each in hall.catalogue.granules("level-2") if each.month)
    wish = Wish(who, reason, months_of(",".join(months), known) if months else (), from_step)
    asked, again = (None, propose(hall, wish)) if dry_run else begin(hall, wish)
    return {"units": [asdict(each) for each in again], "reprocessing": asked.id if asked else None}


def _accept_file(id: int, who: str, reason: str) -> dict[str, Any]:
    from services.operations_files import take

    with Catalogue.open(settings.system().catalogue) as known:
        return {"name": take(known, id, who=who, reason=reason).name}


ERRANDS: Mapping[str, Callable[..., dict[str, Any]]] = {"reprocess": _reprocess, "accept_file": _accept_file}


def main() -> None:
    """Do the errand that the words on the input name."""
    words = json.load(sys.stdin)
    try:
        answer = ERRANDS[words.pop("errand")](**words)
    except GravstreamError as error:
        answer = {"kind": type(error).__name__, "error": error.found, "advice": error.advice}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
