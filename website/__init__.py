"""The documentation site: what it shows that is made from other files (``mkdocs.yml``, ``make site``)."""
