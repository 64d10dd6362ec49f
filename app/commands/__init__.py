"""What each command of `andaman` does: one short function a command, grouped by whom it serves."""
