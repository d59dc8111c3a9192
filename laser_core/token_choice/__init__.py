"""Which token z_c is, and the level c_ref that its log-prob is measured from."""
