"""What is wrong with Kafka, its topics, clocks and Redis, before it hurts."""
