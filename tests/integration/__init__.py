"""What needs real servers: the whole pipeline on Apache Kafka and Redis."""
