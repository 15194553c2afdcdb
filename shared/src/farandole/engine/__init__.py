"""The engine: takes deliveries from a source to their end, by the rules of the ledger and the inbox.

It knows Kafka, Redis and databases only through its ports, so the in-memory harness runs the very same code.
"""
