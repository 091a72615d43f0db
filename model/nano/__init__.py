"""nano: the tiny FLUX.2 that ships with brandpress, and how it is trained."""
