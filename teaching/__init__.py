"""What a teacher runs beside the app: the cue card for the stage and the homework's grader (docs/teaching)."""
