"""driftbus: a streaming drift detector on a message bus. README.md in this folder has the map."""
