"""The worker: a Ray actor that holds a model, renders and uploads."""
