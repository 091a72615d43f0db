"""The events of a run as lines of text."""

from __future__ import annotations

from brandpress.pipeline.cli.streams import has_keyboard
from brandpress.pipeline.cli.text import approximately, duration, plural
from brandpress.pipeline.render.events import (
    Event,
    Judged,
    Planned,
    Stopping,
    VariantRecorded,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersLoading,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.pending import describe_pending
from brandpress.pipeline.render.run_progress import RunProgress


def line_of(event: Event) -> str | None:
    """Returns an event as one line, None if it isn't shown."""
    match event:
        case Planned(planned, done, todo, held_back):
            counts = f"{plural(planned, 'picture')}: {done:,} done before, {todo:,} to render now"
            return f"{counts}, {held_back:,} held back (use --retry-failed to retry them)" if held_back else counts
        case Warned(text):
            return f"warning: {text}"
        case WorkersStarting(workers, gpus, threads, dashboard, per_gpu):
            each = f"{plural(threads, 'CPU thread')} each"
            if gpus:
                each = "one GPU each" if per_gpu == 1 else f"{per_gpu} per GPU"
            url = f"; Ray's dashboard: {dashboard}" if dashboard else ""
            return f"{plural(workers, 'worker')} starting, {each}{url}"
        case WorkersPending():
            return describe_pending(event)
        case WorkersLoading(workers, seconds):
            so_far = f", for {duration(seconds)} so far" if seconds >= 1 else ""
            return f"loading the model on {plural(workers, 'worker')}{so_far}"
        case WorkerLoaded(worker=worker, host=host, seconds=seconds):
            return f"{worker} loaded the model in {seconds:.1f} s on {host.get('device', 'unknown')}"
        case WorkerLost(worker=worker, cause=cause):
            return f"{worker} was lost: {cause}"
        case VariantRecorded(record=record):
            if record.status == "done":
                return f"{record.name} ({record.timings.get('model', 0.0):.1f} s in the model)"
            return f"{record.status}: {record.name}: {record.cause}"
        case Judged(done, total):
            return f"quality gate: {done:,} of {plural(total, 'picture')} judged"
        case Stopping(str(cause)):
            return f"stopping, because no more pictures can be made or stored: {cause}"
        case Stopping(budget=str(limits)):
            return f"stopping at the budget: {limits}"
        case Stopping():
            keys = "; press Ctrl-C again to stop immediately" if has_keyboard() else ""
            return f"stopping after the current pictures are delivered{keys}"
        case _:
            return None


def rate_text(progress: RunProgress, now: float) -> str:
    """`now 38 a minute, about 4 min left, 2 failed, cache hits 62%`; without what isn't known yet."""
    rate, left = progress.rate(now), progress.seconds_left(now)
    parts = [
        "" if rate is None else f"now {_figure(60 * rate)} a minute",
        "" if not left else f"{approximately(left)} left",
        f"{progress.failed:,} failed" if progress.failed else "",
        "" if progress.hit_rate is None else f"cache hits {progress.hit_rate:.0%}",
        line_of(progress.judging) or "" if progress.judging else "",
    ]
    return ", ".join(part for part in parts if part)


def _figure(number: float) -> str:
    """`0.4`, `38`: two digits."""
    return f"{number:.1f}" if number < 10 else f"{number:,.0f}"
