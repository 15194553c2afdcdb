"""Storm: the payment gateway is away with orders queued, and comes back slowly; three ways to live through it."""
