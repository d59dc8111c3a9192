"""Final answers: extract them from a response, compare them with a reference, group the equal ones.

``verify`` is what the rest of the project calls. Below it, in this process: ``extract`` and ``boxes`` find an answer;
``tidy``, ``characters``, ``normalise`` and ``tex_arguments`` spell it one way; ``text`` reads numbers, ``words`` reads
names and choices; ``reading`` and ``grouping`` hand out keys and groups. In the child process (``math_process``,
``math_worker``): ``structure`` reads an answer's shape (``shapes``); ``symbols``, ``parse``, ``constants``,
``relations`` and ``values`` read what it is worth. docs/verifier.md says what counts as the same.
"""
