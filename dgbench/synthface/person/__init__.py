"""A person: skin, hair, eyes, clothes and glasses on the head."""
