"""Tasks of lm-eval as benchmarks of ours: its definitions and metrics, our models and store.

`suite` makes a benchmark of tasks, and `adapter` a model of ours one of lm-eval's. The package of
the same name outside is imported only when a task is opened.
"""
