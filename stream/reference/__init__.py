"""Baselines: how they are learned, kept, and found."""
