"""What the sequential detectors cost, in time and memory, beside their peers, and whether the answers agree."""
