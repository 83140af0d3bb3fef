"""The console as a process: the web page, the API and the metrics, put together from all services.

It reads the catalogue and the releases and writes decisions into the catalogue; the services see them by themselves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import redis
import uvicorn

from services.errands import Errands
from services.publish.console.app import create_app
from services.publish.console.context import Acts, Context
from services.publish.titles import TITLES
from shared import settings
from shared.errors import Unreachable
from shared.storage.catalogue import Catalogue

QUEUES = ("ingest", "process", "publish")
_CONNECTIONS = 200  # at a time; more are told to come again
_IDLE, _GRACE = 15, 5  # s: until an idle connection is closed, and for the last answers at the end
_PATIENCE = 1.0  # s for Redis: it is near, or it is not there


def serve(host: str | None = None, port: int | None = None) -> None:
    """Serve until told to end; host and port: others than the settings say."""
    settings.at_start()
    _log_to_the_standard_error()
    console = settings.console()
    port = console.port if port is None else port
    uvicorn.Server(server_of(context(), host or console.host, port)).run()


def server_of(handed: Context, host: str = "127.0.0.1", port: int = 0) -> uvicorn.Config:
    """How the console of a context is served."""
    return uvicorn.Config(
        create_app(handed),
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # the console writes its own, without queries
        server_header=False,
        # A header that names the client is believed only where a proxy is known to stand before, and only from it.
        proxy_headers=bool(handed.settings.url),
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=_GRACE,
    )


def _log_to_the_standard_error() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def context() -> Context:
    """What the console is handed, as the settings describe it."""
    system, errands = settings.system(), Errands(settings.environment())
    return Context(
        catalogue=Catalogue.open(system.catalogue),
        releases=system.releases,
        titles={name: TITLES[name] for name in system.products},
        settings=settings.console(),
        queue=system.queue,
        acts=Acts(errands.reprocess, errands.accept_file),
        queue_lengths=lengths_at(system.queue.url),
        folders=system.folders,
    )


def lengths_at(url: str) -> Callable[[], Mapping[str, int]]:
    """A function that tells how many tasks wait in each queue of a Redis; it raises Unreachable."""
    client = redis.Redis.from_url(url, socket_timeout=_PATIENCE, socket_connect_timeout=_PATIENCE)

    def lengths() -> Mapping[str, int]:
        try:
            return {name: int(client.llen(name)) for name in QUEUES}
        except (redis.RedisError, OSError) as error:
            raise Unreachable(f"Redis does not answer: {error}", advice="Check that it runs.") from error

    return lengths


if __name__ == "__main__":
    serve()
