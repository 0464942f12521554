"""Pictures of the signals in the air, as matrices of cells: a field, a grid and a timeline. Pure: no Textual here."""
