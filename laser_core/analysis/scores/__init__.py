"""How well a score tells correct from incorrect solutions: AUROC, thresholds, calibration, distributions."""
