"""The report of a campaign: how its pictures score, what was decided, and what they took."""
