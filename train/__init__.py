"""Training: makes the checkpoints that the engine scores; the engine never imports it."""
