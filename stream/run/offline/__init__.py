"""Events outside of a worker: replays of files and ranges of topics, and files put on topics."""
