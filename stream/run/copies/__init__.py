"""The state at rest: canonical exports, what differs in them, copies, and how they are restored."""
