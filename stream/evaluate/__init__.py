"""The cool half: panes of all partitions to windows, verdicts, incidents and drift events."""
