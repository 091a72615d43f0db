"""nano's training: stages, loop, optimizer, losses, checkpoints and export."""
