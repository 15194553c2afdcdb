"""Generations: which build of a read model's store is current, and how its replicas follow that."""
