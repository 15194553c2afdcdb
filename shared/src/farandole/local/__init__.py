"""The embedded mesh: a real Kafka, a real Redis and every service as processes of this machine, without containers."""
