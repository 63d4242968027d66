"""The ways to run the rooms: as a worker, over files, as a demonstration."""
