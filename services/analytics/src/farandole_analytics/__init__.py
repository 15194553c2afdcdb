"""Counts sales per minute from the event stream."""
