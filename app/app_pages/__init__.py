"""The app's pages, one file each; app/main.py lists them."""
