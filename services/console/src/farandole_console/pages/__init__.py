"""Pages: one file a page. Each gives its routes and says what it needs; what it shows is in ``templates/``."""
