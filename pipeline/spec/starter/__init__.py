"""The brand spec, the pictures and the job that `brandpress init` writes."""
