"""Guards in the worker against accident: one module a guard, all put up by ``installed``.

They stop a library that does more than it was asked to, and name it with file and line. They are
not a sandbox against malice; ``docs/threat-model.md`` says what they do not see.
"""
