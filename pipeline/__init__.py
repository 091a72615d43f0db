"""The stations between a brand spec and pictures in a store: spec, plan, store, deliver, render, review; and the
command line."""
