"""Frame: what every page of the console has around it, and the ways in which pages are asked and linked."""
