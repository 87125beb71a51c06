"""Every answer that was paid for, in one SQLite file, so that none is paid for twice.

`Store` is the file, `Cached` a model that looks into it before it asks another model, `Batches`
what is written down of a model's batches, `Budgeted` a model that asks no more than a budget
allows, and `Spend` a line of the bill.
"""

from harness.store.batches import Batches
from harness.store.budget import Budgeted
from harness.store.cached import Cached
from harness.store.database import Spend, Store

__all__ = ["Batches", "Budgeted", "Cached", "Spend", "Store"]
