"""The worker: what it owns and does, on which threads, and what it tells of itself."""
