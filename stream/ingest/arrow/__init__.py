"""Batch messages: many events of one kind as one Arrow IPC stream, read without a Python object a row."""
