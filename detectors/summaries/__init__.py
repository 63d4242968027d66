"""Mergeable statistics of columns, of a fixed size."""
