"""Reenactment methods: the contract, the registry, sanity baselines, and other people's methods in workers."""
