"""Object stores: one protocol, with a local folder and S3 behind it."""
