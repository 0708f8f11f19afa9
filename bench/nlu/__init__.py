"""Our understanding beside the systems that people would otherwise use: `make bench-nlu`.

`data` reads what is asked, `systems` are those that are asked, `figures` is what is counted, and
`__main__` makes one table of one run.
"""
