"""Further questions: other signals, length, training steps, settings, comparing runs, single problems."""
