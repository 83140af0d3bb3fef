"""The scheduler: says again and again that it is time to look. Two by mistake do no harm."""

from __future__ import annotations

from shared import settings
from shared.broker import scheduler_app

app = scheduler_app(settings.at_start().queue)
