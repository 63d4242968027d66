"""What a monitor costs in memory, part by part; see ../README.md."""
