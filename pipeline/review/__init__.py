"""A manifest -> what people look at."""
