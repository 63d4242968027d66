"""Mergeable statistics: how columns are binned, and the counts and sums kept of them."""
