"""Selects a brand spec's entities by their fields: `product: {where: "category == 'shoes'"}`."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping

from brandpress.pipeline.spec.brand import AnyEntity
from brandpress.pipeline.spec.free_fields import FreeFields, names_of
from brandpress.pipeline.spec.messages import listing
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.where import Condition, IncomparableError


def matching(entities: Mapping[str, AnyEntity], condition: Condition) -> list[str]:
    """Returns the names of the entities that match, in their order. Raises WrongValueError for a field that no entity
    has, and for fields that can't be compared."""
    condition.check_names(names_of(_fields(name, entity) for name, entity in entities.items()))
    names, incomparable = [], {}
    for name, entity in entities.items():
        try:
            if condition.holds(_fields(name, entity)):
                names.append(name)
        except IncomparableError as error:
            incomparable[name] = f"the field '{error.field}' of {name} {error.what}"
    if incomparable:
        first, *others = incomparable
        more = f"; the same holds for {listing(others)}" if others else ""
        raise WrongValueError(f"{incomparable[first]}{more}")
    return names


def _fields(name: str, entity: AnyEntity) -> FreeFields:
    """Returns everything that a condition can use: the free fields, and those that each entity has."""
    own = {"name": name, "key": name, "description": entity.description, "sku": getattr(entity, "sku", None)}
    own = {field: value for field, value in own.items() if value is not None}
    if "key" in entity.attributes:
        del own["key"]
    return ChainMap(own, entity.attributes)  # type: ignore[arg-type] # it is only read
