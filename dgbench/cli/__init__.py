"""The command line, one file per verb; thin: what a verb does lives in the rooms below."""
