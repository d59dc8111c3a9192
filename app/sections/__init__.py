"""Sections of the pages, in modules named after the page or the section."""
