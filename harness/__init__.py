"""The engine of iterbench: it knows no benchmark, judge or objective by name."""
