"""What the partitions have of a model, as one: merged, joined by id, and added up to windows."""
