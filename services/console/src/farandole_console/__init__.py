"""Shows the flows of the mesh."""
