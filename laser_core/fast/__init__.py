"""The same forward pass and sampling as transformers', at a laptop's speed."""
