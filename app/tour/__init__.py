"""The guided tour: its steps, and the examples that it and the Traces page open."""
