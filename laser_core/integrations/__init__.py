"""LaSeR inside other trainers; each needs its own optional extra."""
