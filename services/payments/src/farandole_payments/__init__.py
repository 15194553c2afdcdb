"""Authorises, captures, voids and refunds through the payment gateway."""
