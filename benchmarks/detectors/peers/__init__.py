"""One file a library, each run by the Python of its own environment; `../process.py` says what it needs to have."""
