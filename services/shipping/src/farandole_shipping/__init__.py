"""Hands parcels to carriers and hears what became of them."""
