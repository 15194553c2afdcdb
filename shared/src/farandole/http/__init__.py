"""HTTP: the server of a service's process, and what every service's own application needs to read a request safely."""
