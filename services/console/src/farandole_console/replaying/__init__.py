"""Replaying: history delivered again to one service, asked for and watched on pages."""
