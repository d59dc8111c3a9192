"""Controls and text pieces that several pages share."""
