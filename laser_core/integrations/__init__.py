"""LaSeR inside other trainers; each needs its optional extra."""
