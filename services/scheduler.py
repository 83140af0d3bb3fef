"""The scheduler: says again and again that it is time to look. Two by mistake do no harm."""

from __future__ import annotations

from typing import Any

from celery.beat import PersistentScheduler

from shared import settings
from shared.broker import scheduler_app


class Scheduler(PersistentScheduler):  # type: ignore[misc]
    """Looks at once when the clock was put back.

    Celery's own waits until the clock has caught up.
    """

    def tick(self, *arguments: Any, **options: Any) -> float:
        """What is due now; a look that was made in the future counts as none."""
        for entry in self.schedule.values():
            if entry.last_run_at > entry.default_now():
                entry.last_run_at = entry.default_now() - entry.schedule.run_every
                self._heap = None  # the order of what is due, which was of the other clock
        return float(super().tick(*arguments, **options))


app = scheduler_app(settings.at_start().queue)
app.conf.beat_scheduler = f"{__name__}:{Scheduler.__name__}"
