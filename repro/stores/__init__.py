"""Where things are published to and fetched from: a folder, or a store that fsspec reaches.

`store` says what a store is; `folder` needs nothing that is not installed; `remote` is the only
module that knows fsspec, and is loaded only for an address that asks for it.
"""
