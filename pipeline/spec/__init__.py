"""Reads brand specs and campaigns: YAML files in, a validated `BrandSpec` or `Campaign` or all problems out."""
