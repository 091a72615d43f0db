"""An event loop in a thread of its own, for as long as a stream is read: closing it ends all that's under way."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from httpx2 import AsyncClient


@contextmanager
def running_loop(http: AsyncClient) -> Iterator[asyncio.AbstractEventLoop]:
    """The loop; at the end its tasks are cancelled, the client is closed, and no thread is left."""
    loop = asyncio.new_event_loop()
    # A daemon: a stream that is never closed must not keep the process from ending.
    thread = Thread(target=loop.run_forever, name="bfl", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        # When the interpreter ends its daemons have stopped, and an answer never comes.
        if not sys.is_finalizing():
            asyncio.run_coroutine_threadsafe(_wind_up(http), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _wind_up(http: AsyncClient) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await http.aclose()
    await asyncio.get_running_loop().shutdown_default_executor()
