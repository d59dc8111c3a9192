"""The paper in miniature: every claim of LaSeR measured on a laptop (``laser reproduce``).

:mod:`plan` says what is trained, :mod:`execute` trains it and resumes after an interruption, :mod:`evidence` and
:mod:`claims` turn the rollouts into rows by the :mod:`rules` they state, and :mod:`table` stores and prints them.
"""
