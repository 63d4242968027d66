"""Drift events: what an alert says, what explains it, and what is gathered in one."""
