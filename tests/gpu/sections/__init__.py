"""The sections of the check, one file each."""
