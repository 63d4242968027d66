"""Measurements of driftbus: how fast it is, and how much memory it takes. README.md says how to read them."""
