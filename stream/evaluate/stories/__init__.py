"""What becomes of verdicts: incidents, what they mean to people, and what followed from them."""
