"""Training runs in the background, each in a process that outlives the app that started it."""
