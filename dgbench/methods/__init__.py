"""Reenactment methods: the contract, the registry, the canaries, and other people's methods in workers."""
