"""The guided tour: its steps, and the views it opens."""
