"""The scheduler: says again and again that it is time to look. Two by mistake do no harm."""

from __future__ import annotations

from shared import settings
from shared.broker import celery_app

app = celery_app(settings.system().queue)
