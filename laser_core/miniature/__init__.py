"""The miniature base model: what it reads, how it is built, and how it is pre-trained."""
