"""Final answers: extract them from a response, compare them with a reference, group the equivalent ones."""
