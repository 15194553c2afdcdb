"""Chaos: the demo while its processes are killed and the systems outside misbehave."""
