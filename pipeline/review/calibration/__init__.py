"""Thresholds per subject, from a brand's own references."""
