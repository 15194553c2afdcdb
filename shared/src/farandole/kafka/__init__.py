"""Kafka: the engine's ports on confluent-kafka (librdkafka), and the topics of a mesh."""
