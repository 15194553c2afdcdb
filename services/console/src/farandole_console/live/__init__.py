"""Live: what is known of the mesh at present, gathered in the background, so that no page waits for it."""
