"""Dead letters: what the services gave up on, as the desk sees it, and what a page may do about it."""
