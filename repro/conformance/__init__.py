"""The conformance kit: whether a trainer keeps the contract, found out by trying it in workers."""
