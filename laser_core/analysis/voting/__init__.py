"""Many solutions, one answer: majority, weighted and best-of-N votes and pass@N as the number of solutions grows."""
