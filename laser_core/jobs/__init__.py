"""Training runs in processes of their own, which outlive the app that started them."""
