"""What the commands share: arguments, progress and tables."""
