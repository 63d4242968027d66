"""The command line: what each verb does, writes, says, and how it ends."""
