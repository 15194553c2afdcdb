"""Packs orders that are reserved and paid for; decides between cancelling and packing."""
