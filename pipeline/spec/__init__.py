"""What people write: YAML with positions in, a checked `BrandSpec` or `Campaign` out, or every mistake at once."""
