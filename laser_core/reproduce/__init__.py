"""The paper in miniature: every claim of LaSeR measured on a laptop (``laser reproduce``).

``rules.toml`` says beforehand what would count for each claim, and :mod:`rules` decides by it. :mod:`plan` says what is
trained, :mod:`execute` trains it and resumes after an interruption, :mod:`judged` adds what judges a solution beside
the score, :mod:`evidence` and :mod:`claims` turn the rollouts into rows, :mod:`table` stores and prints them, and
:mod:`headline` says first what the score does not beat.
"""
