"""The rim towards Kafka: consuming, dead letters, the embedded broker."""
