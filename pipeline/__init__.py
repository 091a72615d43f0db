"""The stations between a brand spec and pictures in a store: spec, plan, render, deliver, review."""
