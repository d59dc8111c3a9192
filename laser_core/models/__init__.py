"""What differs between language models: their files, their prompts, the tokens that end a solution or judge it."""
