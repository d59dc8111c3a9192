"""The playground: sampling solutions of one problem, token by token, in a process of its own."""
