"""What each command of `run_eval.py` does, one file each."""
