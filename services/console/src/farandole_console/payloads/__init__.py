"""Payloads: what is inside events, and who may see it: personal fields are masked, unless an operator says why not."""
