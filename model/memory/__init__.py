"""Where a model fits: the memory it needs, the devices there are, and what moves between them."""
