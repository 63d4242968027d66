"""Detectors that take one number after the other."""
