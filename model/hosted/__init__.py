"""Renders with BFL's hosted tiers, which have no open weights, behind the local renderer's interface. Costs credits."""

from brandpress.model.hosted.renderer import HostedRenderer

__all__ = ["HostedRenderer"]
