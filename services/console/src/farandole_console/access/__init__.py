"""Access: who may open the console, as what, and how a request proves that its sender meant it."""
