"""What is wrong with a results folder."""
