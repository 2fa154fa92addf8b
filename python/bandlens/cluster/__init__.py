"""Work that is shared out to the workers of a Dask cluster: a thin layer over `distributed`, which schedules it.

A call is cut into compiled steps in the same way whoever computes them; workers are given blocks of whole steps. So
scores don't depend, to the bit, on how many workers there are, which of them computes what, or what comes back first.
`workers` is who works: a client of the user's, or processes started for a call. `carried` makes bytes of a model and
a model of bytes, `blocks` says what workers need to know of a call, `working` is what a worker does with it, `giving`
gives blocks out and takes answers in, and `sharing` does that for methods and for a model's outputs.

Imports `data`, `engine`, `models` and `methods`; `explain` and all that comes after it may import it. `distributed` is
an extra, imported when a client is given.
"""
