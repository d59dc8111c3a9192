"""The paper in miniature: every claim of LaSeR measured on a laptop (``laser reproduce``).

:mod:`plan` says what is trained, :mod:`execute` does it and goes on where it stopped, :mod:`evidence` and
:mod:`claims` turn the rollouts into one table, :mod:`table` keeps and prints it.
"""
