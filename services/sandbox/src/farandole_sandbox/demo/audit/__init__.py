"""Audit: rules that hold Kafka's topics, every service's database and the outside systems' books to one another."""
