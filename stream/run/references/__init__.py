"""References: built, shown, read from files and promoted."""
