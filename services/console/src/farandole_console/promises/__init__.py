"""Promises: what the flows still owe to what services expect, and which of them are stuck."""
