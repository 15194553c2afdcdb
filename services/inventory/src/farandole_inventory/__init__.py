"""Reserves stock, keeps backorders and asks for replenishment."""
