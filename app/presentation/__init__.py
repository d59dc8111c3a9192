"""The presentation mode: every figure of every page as a full-screen slide, with its title, caption and notes."""
