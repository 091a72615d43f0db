"""All product kinds."""

from brandpress.model.nano.world.containers import CONTAINERS
from brandpress.model.nano.world.goods import GOODS
from brandpress.model.nano.world.kind import Kind

KINDS: tuple[Kind, ...] = (*CONTAINERS, *GOODS)
