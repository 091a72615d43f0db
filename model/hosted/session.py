"""An event loop in its own thread, which runs while a stream is read; closing it cancels all tasks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from httpx2 import AsyncClient


@contextmanager
def running_loop(http: AsyncClient) -> Iterator[asyncio.AbstractEventLoop]:
    """Runs an event loop; on exit cancels its tasks, closes the client and joins the thread."""
    loop = asyncio.new_event_loop()
    # A daemon thread, so that a stream that is never closed doesn't keep the process alive.
    thread = Thread(target=loop.run_forever, name="bfl", daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        # At interpreter exit the daemon thread has stopped, and result() would wait forever.
        if not sys.is_finalizing():
            asyncio.run_coroutine_threadsafe(_shut_down(http), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _shut_down(http: AsyncClient) -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await http.aclose()
    await asyncio.get_running_loop().shutdown_default_executor()
