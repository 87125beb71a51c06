"""From the results of a series to its story: what changed, where, and how sure that is."""
