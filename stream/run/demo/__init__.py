"""The demonstration: the whole system on the embedded broker, and what it shows."""
