"""Makers of training data, one file each. Adding a kind registers nothing: a file is found.

    class Settings      names its `kind`, and says in `makes` what its examples have
    check               sees that what `build` reads and asks is there, before anything is asked
    build               makes the examples of an iteration

What examples have goes by the names that objectives read it by, `chosen_B` being `chosen`: see
`train.criterion.Criterion.needs`.
"""
