"""Everything that the benchmark measures, in the order of the report."""

from __future__ import annotations

from tests.bench.bench import Family
from tests.bench.dispatch import dispatch
from tests.bench.kv import kv
from tests.bench.loading import loading
from tests.bench.memory import KEY as MEMORY
from tests.bench.memory import memory
from tests.bench.nano import approximate, nano
from tests.bench.reuse import dev, keys_of, klein
from tests.bench.step import KEYS as STEPS
from tests.bench.step import steps
from tests.bench.text import text
from tests.bench.tiles import tiles
from tests.bench.workers import workers

FAMILIES = (
    Family(("text-klein", "text-dev"), text),
    Family(STEPS, steps),
    Family(("kv-4", "kv-10"), kv),
    Family(tuple(keys_of("klein")), klein),
    Family(tuple(keys_of("dev")), dev),
    Family(("nano",), nano),
    Family((MEMORY,), memory),
    Family(("nano-approximate",), approximate),
    Family(("dispatch",), dispatch),
    Family(("workers",), workers),
    Family(("tiles",), tiles),
    Family(("loading",), loading),
)
KEYS = tuple(key for family in FAMILIES for key in family.keys)
