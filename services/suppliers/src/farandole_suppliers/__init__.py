"""Sends purchase orders and receives goods."""
