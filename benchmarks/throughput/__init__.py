"""What an event costs the worker, in processor time, memory, operations and bytes; see ../README.md."""
