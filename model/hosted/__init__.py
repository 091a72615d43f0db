"""The tiers without open weights, rendered by BFL, behind the local renderer's interface. Costs credits."""
