"""Views of a published campaign for people to review."""
