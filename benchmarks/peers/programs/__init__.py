"""One program a peer, for the Python of its own environment: it imports nothing of ours but neighbours."""
