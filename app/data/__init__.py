"""Where the pages get their numbers from: sources, uploads, and computations cached by content."""
