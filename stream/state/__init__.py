"""Where state is kept: the contract (`store`), its two forms, and the bytes of values (`codec`)."""
