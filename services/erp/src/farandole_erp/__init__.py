"""Posts sales orders and their outcome to the ERP."""
