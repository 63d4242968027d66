"""Comparisons of a window with a reference, judged by how the reference's own windows wander."""
