"""Plays the outside systems in development: ERP, CRM, payment gateway, warehouse, carriers, suppliers."""
