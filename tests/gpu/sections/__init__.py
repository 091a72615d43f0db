"""What the check measures, a file a section."""
