"""The alarm layer: from how a column's own windows wander to alarms that keep a false-alarm budget."""
