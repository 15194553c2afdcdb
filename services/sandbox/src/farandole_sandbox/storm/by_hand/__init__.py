"""By hand: the consumer that people write without a mesh, in a process of its own, with two ways to try again."""
