"""What has to be done: a campaign's variants with their render keys, and which of them are missing. No torch, no
Ray."""
