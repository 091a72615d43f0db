"""nano: the tiny FLUX.2 that ships with brandpress, and its training.

`weights` is the shipped checkpoint. `world` draws the training pictures and their captions, `data` stores them as
tensors, `training` trains on them. `train` and `evaluate` are the commands.
"""
