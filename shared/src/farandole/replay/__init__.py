"""Replay: deliver history again to one service: planned first, then exactly as planned."""
