"""HTTP: the server of a service's process: health, status, metrics, and the service's own application."""
