"""Plans a campaign: its variants with their render keys, and which are missing. Imports neither torch nor Ray."""
