"""Parts of pages, named after the page they belong to."""
