"""Statistics: pure functions of arrays, each with its source."""
