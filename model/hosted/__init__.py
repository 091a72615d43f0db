"""The tiers without open weights, rendered by BFL, behind the local renderer's interface. Costs credits."""

from brandpress.model.hosted.renderer import HostedRenderer

__all__ = ["HostedRenderer"]
