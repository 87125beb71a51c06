"""A judge on trial: answers whose verdicts are known, and how a judge is asked about them."""
