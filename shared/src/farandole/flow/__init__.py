"""Flow: what happened to the events of one flow, as a tree of causation, and what it waits for. Pure."""
