"""What is said of one closed window: scores, rules, and the alarm layer with its history."""
