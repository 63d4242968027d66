"""driftbus beside other ways to watch the same stream."""
