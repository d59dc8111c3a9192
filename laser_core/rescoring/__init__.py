"""`laser score`: scores and traces for rollouts that another tool sampled; tables and files of any size."""
