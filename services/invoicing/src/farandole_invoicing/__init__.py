"""Issues invoices and credit notes with gapless numbers."""
