"""What is known of a fleet without a worker: its rules, topics, partitions, and how it stands."""
