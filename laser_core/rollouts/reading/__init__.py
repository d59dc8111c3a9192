"""From bytes to rows: open a file, recognise its format, bound what it may cost, and collect what was refused."""
