"""Within a solution: traces over tokens, free confidence signals, and stopping weak solutions early."""
