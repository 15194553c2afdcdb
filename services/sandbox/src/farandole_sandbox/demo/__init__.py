"""Demo: the 830 Northwind orders through every service, as a shop would send them, and an audit from outside."""
