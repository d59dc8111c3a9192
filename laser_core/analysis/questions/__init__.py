"""Further questions to a set of rollouts: other signals, length, training steps, settings, two runs, single problems."""
