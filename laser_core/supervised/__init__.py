"""Training on what is already there: worked solutions (``sft``), verified rollouts (``fit``)."""
