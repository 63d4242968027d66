"""How much of everything a number of events a day takes, from measurements; see ../README.md."""
