"""LaSeR, reinforcement learning with last-token self-rewarding (arXiv 2510.14943): train it, evaluate it, inspect it.

Data flows one way::

    tasks -> generate -> verify -> rollouts (one table) -> analysis -> figures -> app | notebooks | report | CLI

Importing this package imports nothing heavy; torch is loaded only by the modules that need it.
"""

__version__ = "0.1.0"
